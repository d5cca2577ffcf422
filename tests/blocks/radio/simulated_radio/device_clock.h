// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef WFMSIM_DEVICE_CLOCK_H
#define WFMSIM_DEVICE_CLOCK_H

#include <chrono>
#include <mutex>

namespace wfmsim {

using steady = std::chrono::steady_clock;

// The device's time in nanoseconds: it runs from 0 when the device is opened, and can be set
// at once or at the next pulse, of which there is one a second.
class device_clock
{
public:
    explicit device_clock(bool pulses);

    long long now() const;
    // The time at, or that of, a moment of the computer's clock.
    long long at(steady::time_point moment) const;
    steady::time_point moment(long long time) const;

    void set(long long time);
    void set_at_next_pulse(long long time);
    // The time of the last pulse; 0 without pulses.
    long long last_pulse() const;

private:
    long long since_opened(steady::time_point moment) const;
    long long offset(long long since_opened) const;

    const steady::time_point d_opened = steady::now();
    const bool d_pulses;
    mutable std::mutex d_mutex;
    long long d_offset = 0;
    // From this pulse on, counted in nanoseconds since the device was opened, d_next_offset.
    long long d_next_pulse;
    long long d_next_offset = 0;
};

} // namespace wfmsim

#endif
