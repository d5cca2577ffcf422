// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/stream_waker.h"
#include "common/result_board.h"
#include "tap/slot_ring.h"
#include <memory>

namespace gr::wfm {

/*!
 * \brief What the stream thread and the inference thread share in one run.
 *
 * It is signalled when a slot was freed or a result came in. Batches keep it alive, so
 * a batch may outlive the run, or the block.
 */
class tap_core : public stream_waker
{
public:
    tap_core(int slots, size_t channels, size_t window) : ring(slots, channels, window) {}

    slot_ring ring;
    result_board board;
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
