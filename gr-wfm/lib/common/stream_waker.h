// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <gnuradio/block_detail.h>
#include <memory>
#include <mutex>

namespace gr::wfm {

//! Wakes a block's stream thread, from any thread, wherever it waits.
class stream_waker
{
public:
    //! Whom to wake; the scheduler's part of the block, known once it runs.
    void attach(const block_detail_sptr& detail)
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_detail = detail;
    }

    //! There is news for it.
    void signal()
    {
        block_detail_sptr detail;
        {
            std::lock_guard<std::mutex> lock(d_mutex);
            d_signals++;
            detail = d_detail.lock();
        }
        d_changed.notify_all();
        if (detail)
            detail->d_tpb.notify_msg();
    }

    //! The number of signals so far: look first, then try, then wait_after() it.
    uint64_t signals() const
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        return d_signals;
    }

    void wait_after(uint64_t seen, std::chrono::milliseconds timeout)
    {
        std::unique_lock<std::mutex> lock(d_mutex);
        d_changed.wait_for(lock, timeout, [this, seen] { return d_signals != seen; });
    }

private:
    mutable std::mutex d_mutex;
    std::condition_variable d_changed;
    uint64_t d_signals = 0;
    std::weak_ptr<block_detail> d_detail;
};

} // namespace gr::wfm
