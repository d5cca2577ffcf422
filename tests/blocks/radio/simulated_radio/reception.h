// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef WFMSIM_RECEPTION_H
#define WFMSIM_RECEPTION_H

#include "device_clock.h"
#include "options.h"
#include "signal.h"
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace wfmsim {

// The stream of samples: real time, with the troubles that the options ask for.
class reception
{
public:
    reception(const options& opts, const device_clock& clock);

    void set_rate(double rate);
    double rate() const;

    void set_up(const std::vector<size_t>& channels, bool raw);
    void start(bool timed, long long time);
    void stop();

    // As SoapySDR::Device::readStream.
    int
    read(void* const* buffers, size_t count, int& flags, long long& time, long timeout_us);

    // The tick that a change at this moment begins with; 0 before the stream starts.
    uint64_t tick_at(steady::time_point moment) const;

private:
    steady::time_point moment_of(uint64_t tick) const;
    void anchor();
    // Ends the call if it is a number: what readStream then returns.
    std::optional<int> trouble(std::unique_lock<std::mutex>& lock, long timeout_us);
    // Whether this trouble has begun; its first time is noted.
    bool begun(double up, double limit, const char* trouble);
    std::optional<int> lose(uint64_t ticks, const char* why);

    const options& d_options;
    const device_clock& d_clock;
    const signal d_signal;
    mutable std::mutex d_mutex; // of what follows
    std::vector<size_t> d_channels;
    bool d_raw = false;
    bool d_active = false;
    bool d_late = false;
    bool d_told_late = false;
    bool d_told_trouble = false;
    double d_rate = 1e6;
    steady::time_point d_started;
    // Tick d_anchor_tick is received at d_anchor: the rate may change while it runs.
    steady::time_point d_anchor;
    uint64_t d_anchor_tick = 0;
    uint64_t d_tick = 0; // the next to be read
    uint64_t d_overflow_tick = 0;
    uint64_t d_delivered = 0; // samples
};

} // namespace wfmsim

#endif
