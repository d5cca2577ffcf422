// SPDX-License-Identifier: GPL-3.0-or-later
#include "finder/signal_queue.h"
#include <utility>

namespace gr::wfm {

namespace {

constexpr size_t most_samples = size_t(1) << 24; // 128 MiB

} // namespace

bool signal_queue::full(size_t samples) const
{
    return !d_waiting.empty() &&
           (d_waiting.size() >= d_slots || d_samples + samples > most_samples);
}

size_t signal_queue::put(found_signal::sptr signal)
{
    size_t dropped = 0;
    {
        std::unique_lock<std::mutex> lock(d_mutex);
        const size_t samples = signal->samples.size();
        if (d_lossless)
            d_taken.wait(lock, [&] { return d_abandoned || !full(samples); });
        if (d_abandoned)
            return 1;
        for (; full(samples); dropped++) {
            d_samples -= d_waiting.front()->samples.size();
            d_waiting.pop_front();
        }
        d_samples += samples;
        d_waiting.push_back(std::move(signal));
    }
    d_arrived.notify_all();
    return dropped;
}

signal_queue::outcome signal_queue::take(size_t most,
                                         std::chrono::milliseconds timeout,
                                         std::vector<found_signal::sptr>& signals)
{
    {
        std::unique_lock<std::mutex> lock(d_mutex);
        d_arrived.wait_for(
            lock, timeout, [this] { return d_closed || !d_waiting.empty(); });
        if (d_waiting.empty())
            return d_closed ? outcome::ended : outcome::none_yet;
        for (; !d_waiting.empty() && most > 0; most--) {
            d_samples -= d_waiting.front()->samples.size();
            signals.push_back(std::move(d_waiting.front()));
            d_waiting.pop_front();
        }
    }
    d_taken.notify_all();
    return outcome::some;
}

void signal_queue::close(bool closed)
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_closed = closed;
    }
    d_arrived.notify_all();
}

void signal_queue::abandon()
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_abandoned = d_closed = true;
        d_waiting.clear();
        d_samples = 0;
    }
    d_arrived.notify_all();
    d_taken.notify_all();
}

size_t signal_queue::waiting() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_waiting.size();
}

} // namespace gr::wfm
