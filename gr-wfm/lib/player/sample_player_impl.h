// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/channel_tags.h"
#include "common/scheduler_state.h"
#include "player/radio_fifo.h"
#include "player/recording_clock.h"
#include "player/sample_file.h"
#include <atomic>
#include <chrono>
#include <gnuradio/wfm/sample_player.h>
#include <memory>
#include <mutex>
#include <optional>

namespace gr::wfm {

//! Parameters of a sample_player, as make() has them.
struct player_parameters {
    double sample_rate;
    uint64_t start;
    uint64_t count;
    bool repeat;
    bool paced;
    double fifo_seconds;
};

class sample_player_impl : public sample_player
{
public:
    sample_player_impl(const player_parameters& parameters,
                       std::vector<std::unique_ptr<sample_file>> files,
                       const std::vector<segment_tuple>& segments,
                       const std::vector<missing_tuple>& missing);

    bool start() override;
    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

    void set_center_freq(double center_freq) override;
    uint64_t samples_lost() const override { return d_lost; }
    uint64_t overflows() const override { return d_overflows; }
    uint64_t samples_played() const override { return d_played; }
    bool cut() const override { return d_cut; }

private:
    using clock = std::chrono::steady_clock;

    uint64_t last() const;
    uint64_t ready();
    bool awaits_packet() const;
    void wait_for_packet() const;
    size_t copy(uint64_t next, size_t count, size_t offset, gr_vector_void_star& outputs);
    int end_early(size_t count);
    void add_tags(uint64_t next, uint64_t sample);
    void
    tell(uint64_t sample, const pmt::pmt_t& key, const pmt::pmt_t& value, bool& told);

    const player_parameters d_parameters;
    const std::vector<std::unique_ptr<sample_file>> d_files;
    const recording_clock d_clock;
    std::unique_ptr<radio_fifo> d_fifo;
    std::optional<clock::time_point> d_started;
    run_marker d_marker;
    tag_writer d_writer;
    bool d_all_told = true;   //!< the streams have all tags of what is played
    uint64_t d_after = 0;     //!< the played sample after the last one put out
    bool d_time_told = false; //!< the streams' last rx_time tag has a time
    bool d_freq_told = false;

    std::mutex d_retune_mutex;
    std::optional<double> d_retuned; //!< the frequency set by the user, if any
    bool d_retune_news = false;

    std::atomic<uint64_t> d_lost{ 0 };
    std::atomic<uint64_t> d_overflows{ 0 };
    std::atomic<uint64_t> d_played{ 0 };
    std::atomic<bool> d_cut{ false };
};

} // namespace gr::wfm
