// SPDX-License-Identifier: GPL-3.0-or-later
#include "tap/slot_ring.h"
#include <algorithm>

namespace gr::wfm {

slot_ring::slot_ring(int slots, size_t channels, size_t window)
    : d_channels(channels), d_window(window), d_samples(slots * channels * window)
{
    for (int slot = slots - 1; slot >= 0; slot--)
        d_free.push_back(slot);
}

int slot_ring::acquire()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (d_free.empty())
        return no_slot;
    const int slot = d_free.back();
    d_free.pop_back();
    return slot;
}

int slot_ring::drop_oldest(window_info& dropped)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (d_waiting.empty())
        return no_slot;
    const entry oldest = d_waiting.front();
    d_waiting.pop_front();
    dropped = oldest.info;
    return oldest.slot;
}

bool slot_ring::publish(int slot, const window_info& info)
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        if (d_closed)
            return false;
        d_waiting.push_back({ slot, info });
    }
    d_arrived.notify_one();
    return true;
}

void slot_ring::release(const std::vector<int>& slots)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    d_free.insert(d_free.end(), slots.begin(), slots.end());
}

slot_ring::outcome slot_ring::take(size_t most,
                                   std::chrono::milliseconds timeout,
                                   std::vector<int>& slots,
                                   std::vector<window_info>& infos)
{
    std::unique_lock<std::mutex> lock(d_mutex);
    d_arrived.wait_for(lock, timeout, [this] { return !d_waiting.empty() || d_closed; });
    if (d_waiting.empty())
        return d_closed ? outcome::ended : outcome::none_yet;
    const size_t count = std::min(most, d_waiting.size());
    for (size_t i = 0; i < count; i++) {
        slots.push_back(d_waiting.front().slot);
        infos.push_back(d_waiting.front().info);
        d_waiting.pop_front();
    }
    return outcome::some;
}

void slot_ring::close()
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_closed = true;
    }
    d_arrived.notify_all();
}

void slot_ring::abandon()
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_closed = true;
        for (const entry& e : d_waiting)
            d_free.push_back(e.slot);
        d_waiting.clear();
    }
    d_arrived.notify_all();
}

bool slot_ring::closed() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_closed;
}

size_t slot_ring::waiting() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_waiting.size();
}

} // namespace gr::wfm
