// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/channel_tags.h"
#include "common/counter_set.h"
#include "common/scheduler_state.h"
#include "common/segment_tracker.h"
#include "radio/arrival_watch.h"
#include <atomic>
#include <gnuradio/wfm/radio_tagger.h>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

namespace gr::wfm {

class radio_tagger_impl : public radio_tagger
{
public:
    radio_tagger_impl(int channels,
                      double sample_rate,
                      const std::vector<double>& center_freqs,
                      bool clock,
                      bool watch);

    bool start() override;
    bool stop() override;
    void forecast(int noutput_items, gr_vector_int& ninput_items_required) override;
    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

    void set_center_freqs(const std::vector<double>& center_freqs) override;
    void set_center_freqs_at(const std::vector<double>& center_freqs,
                             uint64_t secs,
                             double frac) override;
    void end() override;
    uint64_t runs() const override { return d_runs; }
    bool ended() const override { return d_over; }
    bool source_ended() const override { return d_source_ended; }
    bool clock() const override { return d_clock; }
    uint64_t samples() const override { return d_samples; }
    bool waiting() const override;
    std::map<std::string, uint64_t> counters() const override
    {
        return d_counters.values();
    }

private:
    //! A tuning that is known before its first sample: at an index, or at a time.
    struct tuning {
        std::vector<double> freqs;
        std::optional<uint64_t> index;
        time_anchor time;
    };

    //! What the radio's own tags of one sample say.
    struct told {
        uint64_t offset;
        bool rate = false;
        bool time = false;
        bool freq = false;
        bool retuned = false; //!< to another frequency than before
    };

    void check_freqs(const std::vector<double>& center_freqs) const;
    told apply(size_t& next);
    void act_on(const told& said, double now, uint64_t end);
    bool believe(const pmt::pmt_t& time);
    bool take_freq(size_t channel, const tag_t& tag);
    void tune(uint64_t first, uint64_t end);
    std::optional<uint64_t> index_of(const tuning& wanted) const;
    void
    write_state(uint64_t offset, std::optional<uint64_t> missing, bool time, bool rate);

    const size_t d_channels;
    const bool d_clocked; //!< the radio is said to have a clock
    const bool d_watched;

    mutable std::mutex d_mutex; //!< for d_pending
    std::list<tuning> d_pending;
    std::atomic<uint64_t> d_runs{ 0 };
    std::atomic<bool> d_ending{ false };
    std::atomic<bool> d_over{ false };
    std::atomic<bool> d_clock;
    std::atomic<bool> d_source_ended{ false };
    counter_set d_counters;
    counter_set::counter d_samples{ d_counters, "samples" };
    counter_set::counter d_overflows{ d_counters, "overflows" };
    counter_set::counter d_lost{ d_counters, "samples_lost" };
    counter_set::counter d_lost_estimated{ d_counters, "samples_lost_estimated" };

    // Of the stream thread only, from here on.
    bool d_first = true; //!< no sample has passed since start()
    run_marker d_marker;
    uint64_t d_estimated_before = 0; //!< of d_lost_estimated, before the last lock()
    double d_rate;
    std::vector<double> d_freqs;
    std::optional<time_anchor> d_time; //!< of the stream, as its tags have it
    std::optional<arrival_watch> d_watch;
    std::unique_ptr<segment_tracker> d_segment; //!< of channel 0, for exact losses
    std::vector<channel_tag> d_arrived;
    tag_writer d_writer;
};

} // namespace gr::wfm
