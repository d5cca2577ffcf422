// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/held_path.h"
#include "common/segment_tracker.h"
#include "finder/finder_core.h"
#include <atomic>
#include <chrono>
#include <gnuradio/wfm/signal_finder.h>
#include <memory>
#include <mutex>

namespace gr::wfm {

class signal_finder_impl : public signal_finder
{
public:
    explicit signal_finder_impl(const finder_parameters& parameters);

    bool check_topology(int ninputs, int noutputs) override;
    bool start() override;
    bool stop() override;
    void forecast(int noutput_items, gr_vector_int& ninput_items_required) override;
    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

    bool take(int most, int timeout_ms, std::vector<found_signal::sptr>& signals) override;
    void await_results() override;
    void complete(const std::vector<found_signal::sptr>& signals,
                  const std::vector<tag_list>& tags) override;
    void end(bool drain) override;
    int run() const override { return d_runs; }
    void open() override;
    std::map<std::string, uint64_t> counters() const override;
    uint64_t memory() const override;

private:
    std::shared_ptr<finder_core> core() const;
    void renew();
    size_t scan(size_t fresh);
    void act_on(segment_tracker::change change);
    int64_t may_leave(bool at_end);
    void tell_reports();
    void publish_status();

    const finder_parameters d_parameters;
    finder_counters d_counters;

    mutable std::mutex d_core_mutex; //!< for d_core, not for what it points at
    std::shared_ptr<finder_core> d_core;
    std::atomic<bool> d_awaits{ false };
    std::mutex d_renew_mutex;
    bool d_opened = false; //!< the core, by who takes from it
    std::atomic<bool> d_ending{ false };
    std::atomic<int> d_runs{ 0 };

    // Of the stream thread only, from here on.
    std::shared_ptr<finder_core> d_run; //!< the core of this run
    std::unique_ptr<segment_tracker> d_segment;
    held_path d_path;
    int64_t d_base = 0; //!< of a sample's place in the ring over its count at the output
    std::chrono::steady_clock::time_point d_status_due;
};

} // namespace gr::wfm
