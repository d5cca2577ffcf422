// SPDX-License-Identifier: GPL-3.0-or-later
#include "link/received_clock.h"
#include <utility>

namespace gr::wfm {

namespace {

// Nobody loses an hour and goes on: a larger jump is a clock that was set, or another
// run of the sender.
constexpr double longest_loss = 3600.0; // s

// Samples between two times or two counts.
int64_t
samples_between(const vrt_stamp& from, const vrt_stamp& to, const sample_clock& clock)
{
    if (const auto* const time = std::get_if<exact_time>(&to))
        return clock.samples_between(std::get<exact_time>(from), *time);
    return static_cast<int64_t>(std::get<uint64_t>(to) - std::get<uint64_t>(from));
}

} // namespace

received_clock::news received_clock::take(const aligned_samples& interval)
{
    news said;
    const bool first = !d_clock;
    said.rate_changed = first || d_clock->rate() != interval.rate;
    if (said.rate_changed)
        d_clock.emplace(interval.rate);
    if (!first) {
        said.kind_changed = interval.stamp.index() != d_next.index();
        const bool stamped =
            !said.kind_changed && !std::holds_alternative<std::monostate>(interval.stamp);
        if (stamped) {
            const int64_t jump = samples_between(d_next, interval.stamp, *d_clock);
            said.jumped = jump != 0;
            if (jump > 0 && jump <= longest_loss * interval.rate)
                said.lost = jump;
        } else if (interval.packets_missing > 0) {
            said.gap = uint64_t(interval.packets_missing) * interval.samples;
        }
        // A count that starts again: as many are missing as nobody knows.
        const bool restarted = said.jumped && said.lost == 0 &&
                               std::holds_alternative<uint64_t>(interval.stamp);
        if (interval.sample_loss || restarted)
            said.gap = said.gap.value_or(0) + std::exchange(said.lost, 0);
    }
    d_next = interval.stamp;
    if (auto* const time = std::get_if<exact_time>(&d_next))
        *time = d_clock->after(*time, interval.samples);
    else if (auto* const count = std::get_if<uint64_t>(&d_next))
        *count += interval.samples;
    return said;
}

} // namespace gr::wfm
