// SPDX-License-Identifier: GPL-3.0-or-later
#include "player/recording_clock.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace gr::wfm {

recording_clock::recording_clock(std::vector<segment_tuple> segments,
                                 std::vector<missing_tuple> missing,
                                 double sample_rate,
                                 uint64_t start,
                                 uint64_t count)
    : d_rate(sample_rate), d_start(start), d_count(count), d_missing(std::move(missing))
{
    std::sort(segments.begin(), segments.end(), [](const auto& a, const auto& b) {
        return std::get<0>(a) < std::get<0>(b);
    });
    std::sort(d_missing.begin(), d_missing.end());
    if (segments.empty() || std::get<0>(segments.front()) > start)
        d_segments.push_back({ start, std::numeric_limits<double>::quiet_NaN(), {} });
    for (const auto& [first, freq, secs, frac, has_time] : segments) {
        std::optional<time_anchor> time;
        if (has_time)
            time = time_anchor{ first, static_cast<uint64_t>(secs), frac };
        d_segments.push_back({ first, freq, time });
    }
    d_span = span();
}

std::optional<double> recording_clock::span() const
{
    const uint64_t end = d_start + d_count;
    for (const segment* each = &segment_of(d_start);
         each != d_segments.data() + d_segments.size() && each->start < end;
         each++)
        if (!each->time)
            return {};
    return file_time(end)->since(*file_time(d_start));
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

std::optional<uint64_t> recording_clock::missing(uint64_t first, uint64_t last) const
{
    const bool turned = first / d_count != last / d_count;
    // What was in front of the first sample is not played, and not missed.
    const uint64_t begin = std::max(turned ? d_start : in_file(first), d_start + 1);
    const uint64_t end = in_file(last);
    std::optional<uint64_t> sum;
    for (auto each = std::lower_bound(
             d_missing.begin(), d_missing.end(), missing_tuple{ begin, 0 });
         each != d_missing.end() && std::get<0>(*each) <= end;
         each++)
        sum = sum.value_or(0) + std::get<1>(*each);
    return sum;
}

double recording_clock::center_freq(uint64_t played) const
{
    return segment_of(in_file(played)).freq;
}

std::optional<time_anchor> recording_clock::file_time(uint64_t sample) const
{
    // The end of the last sample belongs to the last segment played.
    const uint64_t inside = std::min(sample, d_start + d_count - 1);
    const segment& now = segment_of(inside);
    if (!now.time)
        return {};
    return now.time->at(sample, d_rate);
}

std::optional<time_anchor> recording_clock::time(uint64_t played) const
{
    std::optional<time_anchor> time = file_time(in_file(played));
    const uint64_t turn = played / d_count;
    if (!time || turn == 0)
        return time;
    if (!d_span)
        return {};
    time->frac += turn * *d_span;
    return time->at(time->offset, d_rate);
}

} // namespace gr::wfm
