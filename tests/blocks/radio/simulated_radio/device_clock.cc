// SPDX-License-Identifier: GPL-3.0-or-later
#include "device_clock.h"
#include <limits>

namespace wfmsim {

namespace {
constexpr long long second = 1000000000;
constexpr long long never = std::numeric_limits<long long>::max();
} // namespace

device_clock::device_clock(bool pulses) : d_pulses(pulses), d_next_pulse(never) {}

long long device_clock::since_opened(steady::time_point moment) const
{
    return std::chrono::nanoseconds(moment - d_opened).count();
}

long long device_clock::offset(long long since_opened) const
{
    return since_opened >= d_next_pulse ? d_next_offset : d_offset;
}

long long device_clock::at(steady::time_point moment) const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    const long long since = since_opened(moment);
    return since + offset(since);
}

long long device_clock::now() const { return at(steady::now()); }

steady::time_point device_clock::moment(long long time) const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    const long long current = offset(since_opened(steady::now()));
    return d_opened + std::chrono::nanoseconds(time - current);
}

void device_clock::set(long long time)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    d_offset = time - since_opened(steady::now());
    d_next_pulse = never;
}

void device_clock::set_at_next_pulse(long long time)
{
    if (!d_pulses)
        return;
    std::lock_guard<std::mutex> lock(d_mutex);
    const long long since = since_opened(steady::now());
    d_offset = offset(since);
    d_next_pulse = (since / second + 1) * second;
    d_next_offset = time - d_next_pulse;
}

long long device_clock::last_pulse() const
{
    if (!d_pulses)
        return 0;
    std::lock_guard<std::mutex> lock(d_mutex);
    const long long pulse = since_opened(steady::now()) / second * second;
    return pulse + offset(pulse);
}

} // namespace wfmsim
