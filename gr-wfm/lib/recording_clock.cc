// SPDX-License-Identifier: GPL-3.0-or-later
#include "recording_clock.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace gr {
namespace wfm {

recording_clock::recording_clock(std::vector<segment_tuple> segments,
                                 double sample_rate,
                                 uint64_t start,
                                 uint64_t count)
    : d_rate(sample_rate), d_start(start), d_count(count)
{
    std::sort(segments.begin(), segments.end(), [](const auto& a, const auto& b) {
        return std::get<0>(a) < std::get<0>(b);
    });
    // Where nothing is known the clock starts at 0 s with the first sample played.
    if (segments.empty() || std::get<0>(segments.front()) > start)
        d_segments.push_back(
            { start, std::numeric_limits<double>::quiet_NaN(), { start, 0, 0.0 } });
    for (const auto& [first, freq, secs, frac, has_time] : segments) {
        time_anchor time{ first, secs, frac };
        if (!has_time)
            time = d_segments.empty() ? time_anchor{ first, 0, 0.0 }
                                      : d_segments.back().time.at(first, d_rate);
        d_segments.push_back({ first, freq, time });
    }
    d_span = file_time(d_start + d_count).since(file_time(d_start));
}

const recording_clock::segment& recording_clock::segment_of(uint64_t sample) const
{
    const auto after =
        std::upper_bound(d_segments.begin(),
                         d_segments.end(),
                         sample,
                         [](uint64_t s, const segment& each) { return s < each.start; });
    return *std::prev(after);
}

uint64_t recording_clock::until_next_segment(uint64_t played) const
{
    const uint64_t sample = in_file(played);
    const segment& now = segment_of(sample);
    const segment* next = &now + 1;
    uint64_t end = d_start + d_count;
    if (next != d_segments.data() + d_segments.size())
        end = std::min(end, next->start);
    return end - sample;
}

bool recording_clock::segment_starts(uint64_t played) const
{
    const uint64_t sample = in_file(played);
    return sample == d_start || segment_of(sample).start == sample;
}

double recording_clock::center_freq(uint64_t played) const
{
    return segment_of(in_file(played)).freq;
}

time_anchor recording_clock::file_time(uint64_t sample) const
{
    // The end of the last sample belongs to the last segment played.
    const uint64_t inside = std::min(sample, d_start + d_count - 1);
    return segment_of(inside).time.at(sample, d_rate);
}

time_anchor recording_clock::time(uint64_t played) const
{
    time_anchor time = file_time(in_file(played));
    time.frac += (played / d_count) * d_span;
    return time.at(time.offset, d_rate);
}

} // namespace wfm
} // namespace gr
