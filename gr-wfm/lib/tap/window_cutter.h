// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/segment_tracker.h"
#include "tap/tap_core.h"
#include "tap/tap_counters.h"
#include <atomic>
#include <deque>
#include <memory>
#include <vector>

namespace gr::wfm {

/*!
 * \brief Copies the samples of windows into slots as they arrive, and queues
 * each window that is full.
 *
 * Lives in the stream thread; only hop and gate may be set from others.
 */
class window_cutter
{
public:
    //! lossless: wait for a slot (advance() stops) rather than drop a window.
    window_cutter(size_t channels, size_t window, bool lossless, tap_counters& counters);

    void set_hop(size_t hop) { d_hop = hop; }
    size_t hop() const { return d_hop; }
    void set_gate(double mean_power) { d_gate = mean_power; }

    //! Begin a run: the next window starts at this sample.
    void begin(std::shared_ptr<tap_core> core, uint64_t first);
    //! Begin a new piece at this sample, after skipping some.
    void restart(uint64_t first, uint64_t skip);
    //! Give up what is open at this sample; cut nothing until restart().
    void pause(uint64_t index);

    /*!
     * \brief Look at n samples of one piece, the first of which has this index.
     * \returns how many of them it took: fewer than n if it needs a slot first
     */
    size_t advance(const std::vector<const gr_complex*>& samples,
                   size_t offset,
                   uint64_t index,
                   size_t n,
                   const segment_tracker& segment);

private:
    struct open_window {
        int slot;
        size_t filled;
        window_info info;
    };

    bool open_next(const segment_tracker& segment);
    int find_slot();
    void fill(const std::vector<const gr_complex*>& samples, size_t offset, size_t n);
    void finish(open_window& full);
    void flush(uint64_t index);
    double mean_power(int slot);
    //! Samples from index to the next start, the next end, or n.
    size_t stretch(uint64_t index, size_t n) const;

    const size_t d_channels;
    const size_t d_window;
    const bool d_lossless;
    tap_counters& d_counters;
    std::atomic<size_t> d_hop;
    std::atomic<double> d_gate{ 0.0 };

    std::shared_ptr<tap_core> d_core;
    std::deque<open_window> d_open; //!< in order of their start
    bool d_cutting = false;
    uint64_t d_next = 0;       //!< where the next window starts
    uint64_t d_settled_to = 0; //!< end of the samples being skipped
};

} // namespace gr::wfm
