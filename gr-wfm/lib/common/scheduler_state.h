// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <gnuradio/block.h>
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer_reader.h>
#include <memory>

namespace gr::wfm {

//! Tells a flowgraph that starts from one that goes on after lock() and unlock().
class run_marker
{
public:
    //! Asked in start(): the same run? lock() and unlock() keep the scheduler's part of a
    //! block, and drop samples and tags on their way.
    bool goes_on(const gr::block& block)
    {
        const bool same = d_detail.lock() == block.detail();
        d_detail = block.detail();
        return same;
    }

private:
    std::weak_ptr<block_detail> d_detail;
};

//! Samples that wait in an input's buffer.
inline int64_t waiting_samples(const gr::block& block, int input)
{
    const buffer_reader_sptr reader = block.detail()->input(input);
    gr::thread::scoped_lock guard(*reader->mutex());
    return reader->items_available();
}

//! Has an input ended, of which at most so many samples wait?
inline bool an_input_ended(const gr::block& block, int64_t waiting = 0)
{
    for (int input = 0; input < block.detail()->ninputs(); input++)
        if (block.detail()->input(input)->done() &&
            waiting_samples(block, input) <= waiting)
            return true;
    return false;
}

} // namespace gr::wfm
