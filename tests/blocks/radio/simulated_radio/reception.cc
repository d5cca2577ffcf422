// SPDX-License-Identifier: GPL-3.0-or-later
#include "reception.h"
#include "journal.h"
#include <SoapySDR/Constants.h>
#include <SoapySDR/Errors.hpp>
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <thread>

namespace wfmsim {

namespace {

constexpr double nanoseconds = 1e9;

double seconds(steady::duration time)
{
    return std::chrono::duration<double>(time).count();
}

int wait_in_vain(std::unique_lock<std::mutex>& lock, long timeout_us)
{
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::microseconds(timeout_us));
    return SOAPY_SDR_TIMEOUT;
}

[[noreturn]] void hang(std::unique_lock<std::mutex>& lock)
{
    lock.unlock();
    for (;;)
        std::this_thread::sleep_for(std::chrono::hours(1));
}

} // namespace

reception::reception(const options& opts, const device_clock& clock)
    : d_options(opts), d_clock(clock), d_signal(opts)
{
}

steady::time_point reception::moment_of(uint64_t tick) const
{
    const double ticks = static_cast<double>(static_cast<int64_t>(tick - d_anchor_tick));
    return d_anchor + std::chrono::nanoseconds(std::llround(ticks / d_rate * nanoseconds));
}

void reception::anchor()
{
    d_anchor = moment_of(d_tick);
    d_anchor_tick = d_tick;
}

void reception::set_rate(double rate)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    anchor();
    d_rate = rate;
    d_overflow_tick = d_tick + std::llround(d_options.overflow_every * rate);
}

double reception::rate() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_rate;
}

void reception::set_up(const std::vector<size_t>& channels, bool raw)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    d_channels = channels;
    d_raw = raw;
}

void reception::start(bool timed, long long time)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    d_active = true;
    d_started = steady::now();
    d_late = timed && time < d_clock.at(d_started);
    d_told_late = d_told_trouble = false;
    if (timed && !d_late)
        d_started = d_clock.moment(time);
    d_anchor = d_started;
    d_anchor_tick = d_tick = d_delivered = 0;
    d_overflow_tick = std::llround(d_options.overflow_every * d_rate);
    note(d_late ? "start late" : timed ? "start timed" : "start");
}

void reception::stop()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (d_active)
        note("stop");
    d_active = false;
}

uint64_t reception::tick_at(steady::time_point moment) const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (!d_active)
        return 0;
    const double ticks = seconds(moment - d_anchor) * d_rate;
    return d_anchor_tick + std::llround(std::max(ticks, 0.0));
}

std::optional<int> reception::lose(uint64_t ticks, const char* why)
{
    notef("lost %llu before sample %llu: %s",
          static_cast<unsigned long long>(ticks),
          static_cast<unsigned long long>(d_delivered),
          why);
    d_tick += ticks;
    if (d_options.tells_overflows)
        return SOAPY_SDR_OVERFLOW;
    return std::nullopt;
}

bool reception::begun(double up, double limit, const char* trouble)
{
    if (limit <= 0 || up <= limit)
        return false;
    if (!d_told_trouble)
        note(trouble);
    d_told_trouble = true;
    return true;
}

std::optional<int> reception::trouble(std::unique_lock<std::mutex>& lock, long timeout_us)
{
    if (d_late) {
        // As UHD's devices: said once, and not a sample ever after.
        if (d_told_late)
            return wait_in_vain(lock, timeout_us);
        d_told_late = true;
        return SOAPY_SDR_TIME_ERROR;
    }
    const auto now = steady::now();
    const double up = seconds(now - d_started);
    if (begun(up, d_options.hangs_after, "hangs"))
        hang(lock);
    if (begun(up, d_options.fails_after, "fails")) {
        if (d_options.failure == "throw")
            throw std::runtime_error("wfmsim: device removed");
        return d_options.failure == "eof" ? 0 : SOAPY_SDR_STREAM_ERROR;
    }
    if (begun(up, d_options.silent_after, "silent"))
        return wait_in_vain(lock, timeout_us);
    if (d_options.overflow_every > 0 && d_tick >= d_overflow_tick) {
        const double ticks = d_options.overflow_every * d_rate;
        d_overflow_tick = d_tick + d_options.overflow_samples + std::llround(ticks);
        return lose(d_options.overflow_samples, "overflow as asked");
    }
    const double behind = seconds(now - moment_of(d_tick));
    if (behind > d_options.fifo_seconds)
        return lose(std::llround(behind * d_rate), "reader too slow");
    return std::nullopt;
}

int reception::read(
    void* const* buffers, size_t count, int& flags, long long& time, long timeout_us)
{
    std::unique_lock<std::mutex> lock(d_mutex);
    if (const auto result = trouble(lock, timeout_us))
        return *result;

    uint64_t n = std::min<uint64_t>(count, d_options.mtu);
    if (d_options.overflow_every > 0)
        n = std::min(n, d_overflow_tick - d_tick);
    const auto due = moment_of(d_tick + n);
    if (due - steady::now() > std::chrono::microseconds(timeout_us))
        return wait_in_vain(lock, timeout_us);
    lock.unlock();
    std::this_thread::sleep_until(due);
    lock.lock();

    for (size_t i = 0; i < d_channels.size(); i++)
        d_signal.write(d_tick, n, d_channels[i], d_raw, buffers[i]);
    flags = 0;
    if (d_options.hardware_time) {
        flags |= SOAPY_SDR_HAS_TIME;
        time = d_clock.at(moment_of(d_tick));
    }
    d_tick += n;
    d_delivered += n;
    return static_cast<int>(n);
}

} // namespace wfmsim
