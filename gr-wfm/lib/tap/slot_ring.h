// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <gnuradio/wfm/window_batch.h>
#include <mutex>
#include <vector>
#include <volk/volk_alloc.hh>

namespace gr::wfm {

/*!
 * \brief Preallocated memory for windows, and the queue of those that wait.
 *
 * A slot is free, owned by the stream thread (being filled), waiting, or owned
 * by a batch. The slot freed last is used first: it is still in the cache.
 */
class slot_ring
{
public:
    enum class outcome { some, none_yet, ended };
    static constexpr int no_slot = -1;

    slot_ring(int slots, size_t channels, size_t window);

    size_t channels() const { return d_channels; }
    size_t window() const { return d_window; }
    gr_complex* channel_data(int slot, size_t channel)
    {
        return d_samples.data() + (slot * d_channels + channel) * d_window;
    }

    //! A free slot, or no_slot.
    int acquire();
    //! The slot of the window that has waited longest, or no_slot.
    int drop_oldest(window_info& dropped);
    //! Queue a filled slot; false if the ring is closed: the caller keeps it.
    bool publish(int slot, const window_info& info);
    void release(const std::vector<int>& slots);
    void release(int slot) { release(std::vector<int>{ slot }); }

    //! Take up to most waiting windows; appends to slots and infos.
    outcome take(size_t most,
                 std::chrono::milliseconds timeout,
                 std::vector<int>& slots,
                 std::vector<window_info>& infos);
    //! Nothing more is queued; what waits can still be taken.
    void close();
    //! Nothing more is queued, and what waits is freed.
    void abandon();
    bool closed() const;
    size_t waiting() const;

private:
    struct entry {
        int slot;
        window_info info;
    };

    const size_t d_channels;
    const size_t d_window;
    volk::vector<gr_complex> d_samples;

    mutable std::mutex d_mutex;
    std::condition_variable d_arrived;
    std::vector<int> d_free;
    std::deque<entry> d_waiting;
    bool d_closed = false;
};

} // namespace gr::wfm
