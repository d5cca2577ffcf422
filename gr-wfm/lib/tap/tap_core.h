// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tap/result_board.h"
#include "tap/slot_ring.h"
#include <chrono>
#include <condition_variable>
#include <gnuradio/block_detail.h>
#include <memory>
#include <mutex>

namespace gr::wfm {

/*!
 * \brief What the stream thread and the inference thread share in one run.
 *
 * Batches keep it alive, so a batch may outlive the run, or the block.
 */
class tap_core
{
public:
    tap_core(int slots, size_t channels, size_t window) : ring(slots, channels, window) {}

    slot_ring ring;
    result_board board;

    //! Whom to wake; the scheduler's part of the block, known once it runs.
    void attach(const block_detail_sptr& detail);
    //! A slot was freed or a result came in: wakes the stream thread, wherever it waits.
    void signal();
    //! The number of signals so far: look first, then try, then wait_after() it.
    uint64_t signals() const;
    void wait_after(uint64_t seen, std::chrono::milliseconds timeout);

private:
    mutable std::mutex d_mutex;
    std::condition_variable d_changed;
    uint64_t d_signals = 0;
    std::weak_ptr<block_detail> d_detail;
};

//! The batch that take() gives.
class taken_batch : public window_batch
{
public:
    //! An empty slots vector makes the batch that says "ended".
    taken_batch(std::shared_ptr<tap_core> core,
                std::vector<int> slots,
                std::vector<window_info> windows);
    ~taken_batch() override;

    const std::vector<window_info>& windows() const override { return d_windows; }
    size_t channels() const override { return d_core->ring.channels(); }
    size_t window() const override { return d_core->ring.window(); }
    void copy_to(gr_complex* destination) override;

    //! Free the slots and hand in the results; only the first call counts.
    void finish(const std::vector<tag_list>& tags);

private:
    void free_slots();

    std::shared_ptr<tap_core> d_core;
    std::vector<int> d_slots;
    std::vector<window_info> d_windows;
    bool d_finished = false;
};

} // namespace gr::wfm
