// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/time_anchor.h"
#include "common/tag_values.h"
#include <chrono>
#include <cmath>

namespace gr::wfm {

time_anchor time_anchor::host(uint64_t offset)
{
    using namespace std::chrono;
    const auto now = system_clock::now().time_since_epoch();
    const auto whole = duration_cast<seconds>(now);
    return { offset,
             static_cast<uint64_t>(whole.count()),
             duration<double>(now - whole).count() };
}

std::optional<time_anchor> time_anchor::of(const tag_t& rx_time)
{
    if (!pmt::is_tuple(rx_time.value) || pmt::length(rx_time.value) < 2)
        return {};
    const pmt::pmt_t secs = pmt::tuple_ref(rx_time.value, 0);
    const std::optional<double> frac = finite_number(pmt::tuple_ref(rx_time.value, 1));
    if (!(pmt::is_uint64(secs) || pmt::is_integer(secs)) || !frac)
        return {};
    const uint64_t whole = pmt::is_uint64(secs)
                               ? pmt::to_uint64(secs)
                               : static_cast<uint64_t>(pmt::to_long(secs));
    return time_anchor{ rx_time.offset, whole, *frac };
}

std::optional<time_anchor> time_anchor::of(const window_info& info)
{
    if (!info.has_rx_time)
        return {};
    return time_anchor{ info.start,
                        static_cast<uint64_t>(info.rx_time_secs),
                        info.rx_time_frac };
}

time_anchor time_anchor::at(uint64_t other, double rate) const
{
    const double seconds =
        frac + static_cast<double>(static_cast<int64_t>(other - offset)) / rate;
    const double whole = std::floor(seconds);
    return { other, secs + static_cast<int64_t>(whole), seconds - whole };
}

double time_anchor::since(const time_anchor& other) const
{
    return static_cast<double>(static_cast<int64_t>(secs - other.secs)) +
           (frac - other.frac);
}

pmt::pmt_t time_anchor::value() const
{
    const auto whole = static_cast<int64_t>(secs);
    return pmt::make_tuple(whole < 0 ? pmt::from_long(whole) : pmt::from_uint64(secs),
                           pmt::from_double(frac));
}

void time_anchor::state_in(window_info& info) const
{
    info.has_rx_time = true;
    info.rx_time_secs = static_cast<int64_t>(secs);
    info.rx_time_frac = frac;
}

} // namespace gr::wfm
