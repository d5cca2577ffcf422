// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/scheduler_state.h"
#include "common/segment_tracker.h"
#include "tap/held_samples.h"
#include "tap/stream_tags.h"
#include "tap/tap_core.h"
#include "tap/tap_counters.h"
#include "tap/tap_parameters.h"
#include "tap/window_cutter.h"
#include <atomic>
#include <gnuradio/wfm/window_tap.h>
#include <memory>
#include <mutex>

namespace gr::wfm {

/*!
 * Three places in the stream: what has left (position), what has been looked
 * at (d_scanned), and what is in the input buffer. In the steady state
 * d_scanned - position = hold. Samples are counted as at the output.
 *
 * A flowgraph that starts has `hold` zeros preloaded in front of the first
 * sample, so position starts at -hold; the zeros are consumed, not put out.
 * After lock() and unlock() the buffers are the same and empty, without zeros,
 * and all counts and tags in them are gone. What was held is kept aside then
 * (d_held) and leaves first, as sample 0; the input goes on behind it.
 */
class window_tap_impl : public window_tap
{
public:
    explicit window_tap_impl(const tap_parameters& parameters);

    bool check_topology(int ninputs, int noutputs) override;
    bool start() override;
    bool stop() override;
    void forecast(int noutput_items, gr_vector_int& ninput_items_required) override;
    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

    window_batch::sptr take(int max_windows, int timeout_ms) override;
    void complete(const window_batch::sptr& batch,
                  const std::vector<tag_list>& tags) override;
    void discard(const window_batch::sptr& batch) override;
    void open() override;
    void close() override;
    void fail() override;
    void bypass() override;
    std::map<std::string, uint64_t> counters() const override;
    uint64_t run() const override { return d_runs; }
    void set_gate_dbfs(double gate_dbfs) override;
    void set_hop(int hop) override;
    int hop() const override { return d_cutter.hop(); }
    double gate_dbfs() const override { return d_gate_dbfs; }

private:
    std::shared_ptr<tap_core> core() const;
    std::shared_ptr<tap_core> core_to_take_from() const;
    void begin_run();
    void go_on();
    void keep_held();
    int64_t preloaded() const;
    int64_t read_position();
    int64_t position();
    bool ended();
    int64_t may_leave(bool at_end) const;
    void collect_results();
    int room() const;

    size_t scan(size_t fresh);
    void read_new_tags(size_t fresh);
    size_t apply_tags(size_t next);
    void act_on(segment_tracker::change change, uint64_t offset);
    int pass(int64_t limit,
             int noutput_items,
             const gr_vector_const_void_star& input_items,
             const gr_vector_void_star& output_items,
             bool& moved);

    const tap_parameters d_parameters;
    const bool d_exact; //!< samples wait for the results of their windows
    std::atomic<double> d_gate_dbfs;
    std::atomic<bool> d_failed{ false };
    std::atomic<bool> d_bypassed{ false };
    tap_counters d_counters;
    std::atomic<uint64_t> d_runs{ 0 };

    mutable std::mutex d_core_mutex; //!< for d_core, not for what it points at
    std::shared_ptr<tap_core> d_core;
    struct earlier_core {
        std::shared_ptr<tap_core> core;
        int64_t shift; //!< its windows start that much before what they say
    };
    //! Those from before lock(), as long as results are missing; only the stream thread
    //! writes it, under the mutex.
    std::vector<earlier_core> d_earlier;

    // Of the stream thread only, from here on.
    std::shared_ptr<tap_core> d_run; //!< the core of this run
    window_cutter d_cutter;
    std::unique_ptr<segment_tracker> d_segment;
    stream_tags d_tags;
    tag_writer d_writer;
    int64_t d_scanned = 0;
    run_marker d_marker;
    held_samples d_held;
    int64_t d_zeros = 0;        //!< preloaded in front of the input's sample 0
    int64_t d_input_starts = 0; //!< the input's sample 0, as counted at the output
    int64_t d_left = 0;         //!< samples that had left when the flowgraph was locked
    uint64_t d_tags_read = 0;   //!< tags before this sample were applied
    std::vector<const gr_complex*> d_input;
    std::vector<channel_tag> d_arrived; //!< tags of the samples being scanned
};

} // namespace gr::wfm
