// SPDX-License-Identifier: GPL-3.0-or-later
#include "radio/arrival_watch.h"
#include <algorithm>
#include <cmath>

namespace gr::wfm {

namespace {

constexpr double shortest_interval = 0.25; // s
constexpr double longest_interval = 1.0;   // s
// An interval must hold several of the driver's buffers: only the last samples of a buffer are on time.
constexpr double buffers_in_interval = 4.0;

constexpr double never = std::numeric_limits<double>::infinity();

} // namespace

void arrival_watch::set_rate(double sample_rate)
{
    d_counted += (d_count - d_count_then) / d_rate;
    d_count_then = d_count;
    d_rate = sample_rate;
}

uint64_t arrival_watch::arrived(double now, uint64_t count)
{
    d_count = count;
    if (std::isnan(d_last))
        d_began = now;
    else
        d_longest_pause = std::max(d_longest_pause, now - d_last);
    d_last = now;
    d_least = std::min(d_least, now - d_counted - (count - d_count_then) / d_rate);
    if (now - d_began < d_interval)
        return 0;
    const bool measured = d_after_loss;
    const double before = d_missing;
    close_interval(now);
    // What the radio told was reported when it told it.
    return measured || d_missing <= before ? 0 : report(d_missing);
}

uint64_t arrival_watch::told(double now, uint64_t count)
{
    if (d_least < never)
        close_interval(now);
    d_count = count;
    d_after_loss = true;
    d_last = now;
    d_least = now - d_counted - (count - d_count_then) / d_rate;
    return std::isfinite(d_baseline) ? report(d_missing + (d_least - d_baseline) * d_rate)
                                     : 0;
}

uint64_t arrival_watch::missing() const { return std::llround(std::max(d_missing, 0.0)); }

void arrival_watch::close_interval(double now)
{
    const double step = d_least - d_baseline;
    if (std::isfinite(d_baseline)) {
        if (d_after_loss || step > smallest_step)
            d_missing += step * d_rate;
        else if (step < -smallest_step) // what seemed lost was only late
            d_missing = std::max(0.0, d_missing + step * d_rate);
    }
    d_baseline = d_least;
    d_after_loss = false;
    d_interval = std::clamp(
        buffers_in_interval * d_longest_pause, shortest_interval, longest_interval);
    d_began = now;
    d_least = never;
    d_longest_pause = 0;
}

uint64_t arrival_watch::report(double missing)
{
    const double news = std::max(0.0, std::round(missing - d_reported));
    d_reported += news;
    return static_cast<uint64_t>(news);
}

} // namespace gr::wfm
