// SPDX-License-Identifier: GPL-3.0-or-later
#include "player/recording_clock.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace gr::wfm {

recording_clock::recording_clock(const std::vector<segment_tuple>& segments,
                                 std::vector<missing_tuple> missing,
                                 double sample_rate,
                                 uint64_t start,
                                 uint64_t count)
    : d_rate(sample_rate), d_start(start), d_count(count), d_missing(std::move(missing))
{
    std::sort(d_missing.begin(), d_missing.end());
    d_segments[0] = { std::numeric_limits<double>::quiet_NaN(), {} };
    for (const auto& [first, freq, secs, frac, has_time] : segments) {
        std::optional<time_anchor> time;
        if (has_time)
            time = time_anchor{ first, static_cast<uint64_t>(secs), frac };
        d_segments[first] = { freq, time };
    }
    d_span = span();
}

std::optional<double> recording_clock::span() const
{
    const uint64_t end = d_start + d_count;
    for (auto each = segment_of(d_start); each != d_segments.end() && each->first < end;
         each++)
        if (!each->second.time)
            return {};
    return file_time(end)->since(*file_time(d_start));
}

recording_clock::segment_map::const_iterator
recording_clock::segment_of(uint64_t sample) const
{
    return std::prev(d_segments.upper_bound(sample));
}

uint64_t recording_clock::until_next_segment(uint64_t played) const
{
    const uint64_t sample = in_file(played);
    const auto next = d_segments.upper_bound(sample);
    const uint64_t end = d_start + d_count;
    return (next == d_segments.end() ? end : std::min(end, next->first)) - sample;
}

bool recording_clock::segment_starts(uint64_t played) const
{
    const uint64_t sample = in_file(played);
    return sample == d_start || segment_of(sample)->first == sample;
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
    return segment_of(in_file(played))->second.freq;
}

std::optional<time_anchor> recording_clock::file_time(uint64_t sample) const
{
    // The end of the last sample belongs to the last segment played.
    const uint64_t inside = std::min(sample, d_start + d_count - 1);
    const std::optional<time_anchor>& time = segment_of(inside)->second.time;
    return time ? std::optional(time->at(sample, d_rate)) : std::nullopt;
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
