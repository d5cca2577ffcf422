// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/held_path.h"
#include "common/segment_tracker.h"
#include "tap/tap_core.h"
#include "tap/tap_counters.h"
#include "tap/tap_parameters.h"
#include "tap/window_cutter.h"
#include <atomic>
#include <gnuradio/wfm/window_tap.h>
#include <memory>
#include <mutex>

namespace gr::wfm {

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
    int64_t may_leave(bool at_end) const;
    void collect_results();

    size_t scan(size_t fresh);
    void act_on(segment_tracker::change change, uint64_t offset);

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
    held_path d_path;
};

} // namespace gr::wfm
