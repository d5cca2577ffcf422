// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_WINDOW_TAP_H
#define INCLUDED_WFM_WINDOW_TAP_H

#include <gnuradio/block.h>
#include <gnuradio/wfm/tag_list.h>
#include <gnuradio/wfm/window_batch.h>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace gr::wfm {

/*!
 * \brief Cuts windows out of N streams for an inference thread, and passes the
 * streams on, delayed in time, with the results as tags.
 *
 * The output is the input, sample for sample: nothing is put in front. The
 * newest `hold` samples stay in the input buffer, so a result that is there
 * within `hold` samples is tagged on its window's first sample; a later one
 * goes to the next sample out, with "late" true in its dict.
 *
 * A window never spans a change of rx_freq or rx_rate, a jump of rx_time by
 * more than 1.5 samples, or channels whose tags disagree: it is flushed, and
 * `settle` samples are skipped. The next one starts right after them.
 *
 * Policy "live": if no slot is free, the oldest waiting window is dropped, and
 * if none waits, the new one. Policy "lossless": the stream waits for a slot;
 * and if hold >= window it also waits for each window's result before its
 * first sample leaves, so that no tag is late and every run gives the same.
 *
 * lock() and unlock(): the samples that are held leave first, as sample 0 of
 * the streams, with their tags and results; the counters go on. The scheduler
 * drops what is in other buffers, and all tags in them: this is a break, and
 * rx_time and rx_freq are unknown until tags tell them again.
 *
 * Memory: slots * channels * window samples, and per channel an input buffer
 * of 2 * (hold + 1) samples, and from a stop to the next start what was held;
 * a sample is 8 bytes. "slots" bounds the windows in
 * progress, waiting and taken together.
 *
 * The methods of the inference side may be called from one other thread.
 */
class WFM_API window_tap : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<window_tap>;

    /*!
     * \param channels streams in and out, 1 to 64
     * \param window samples of a window
     * \param hop samples from one window's start to the next; 0: window
     * \param hold samples that the through path lags behind, 0 to 16 Mi
     * \param policy "live" or "lossless"
     * \param slots windows there is memory for
     * \param sample_rate Hz, until an rx_rate tag says otherwise
     * \param settle samples to skip after a break
     * \param gate_dbfs windows with less mean power are not queued
     * \throws std::invalid_argument for a parameter out of its range
     */
    static sptr make(int channels,
                     int window,
                     int hop = 0,
                     int hold = 0,
                     const std::string& policy = "live",
                     int slots = 64,
                     double sample_rate = 1.0,
                     int settle = 0,
                     double gate_dbfs = -std::numeric_limits<double>::infinity());

    /*!
     * \brief Take up to max_windows waiting windows, oldest first.
     * \returns null after timeout_ms without any; a batch of count 0 once the
     * tap is closed and nothing waits any more
     */
    virtual window_batch::sptr take(int max_windows, int timeout_ms) = 0;

    //! Hand in the results of a batch, one tag_list per window, and free it.
    virtual void complete(const window_batch::sptr& batch,
                          const std::vector<tag_list>& tags) = 0;

    //! Free a batch for which there are no results.
    virtual void discard(const window_batch::sptr& batch) = 0;

    //! Ready for a new run after close(); start() does it, too. No-op if open.
    virtual void open() = 0;

    //! Cut no more windows; take() gives what waits, then the end.
    virtual void close() = 0;

    //! End the flowgraph: the next call of work says that it is done.
    virtual void fail() = 0;

    //! From now on only pass samples through; what waits or is open is dropped.
    virtual void bypass() = 0;

    //! All counts of this run, see tap_counters.h, and "queue_depth".
    virtual std::map<std::string, uint64_t> counters() const = 0;

    //! The number of this run, from 1; lock() and unlock() begin no new one.
    virtual uint64_t run() const = 0;

    virtual void set_gate_dbfs(double gate_dbfs) = 0;
    virtual void set_hop(int hop) = 0;
    virtual int hop() const = 0;
    virtual double gate_dbfs() const = 0;
};

} // namespace gr::wfm

#endif
