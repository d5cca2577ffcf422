// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_SAMPLE_PLAYER_IMPL_H
#define INCLUDED_WFM_SAMPLE_PLAYER_IMPL_H

#include "radio_fifo.h"
#include "recording_clock.h"
#include "sample_file.h"
#include <atomic>
#include <chrono>
#include <gnuradio/wfm/sample_player.h>
#include <memory>
#include <mutex>
#include <optional>

namespace gr {
namespace wfm {

//! Parameters of a sample_player, as make() has them.
struct player_parameters {
    std::string path;
    std::string datatype;
    int channels;
    double sample_rate;
    uint64_t header_bytes;
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
                       std::unique_ptr<sample_file> file,
                       const std::vector<segment_tuple>& segments);

    bool start() override;
    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

    void set_center_freq(double center_freq) override;
    uint64_t samples_lost() const override { return d_lost; }
    uint64_t overflows() const override { return d_overflows; }
    uint64_t samples_played() const override { return d_played; }

private:
    using clock = std::chrono::steady_clock;

    uint64_t last() const;
    uint64_t ready();
    void wait_for_packet() const;
    void
    copy(uint64_t next, size_t count, size_t offset, gr_vector_void_star& outputs) const;
    void add_tags(uint64_t next, size_t offset);

    const player_parameters d_parameters;
    const std::unique_ptr<sample_file> d_file;
    const recording_clock d_clock;
    std::unique_ptr<radio_fifo> d_fifo;
    std::optional<clock::time_point> d_started;
    bool d_gap = false; //!< samples were lost just before the next one

    std::mutex d_retune_mutex;
    std::optional<double> d_retuned; //!< the frequency set by the user, if any
    bool d_retune_news = false;

    std::atomic<uint64_t> d_lost{ 0 };
    std::atomic<uint64_t> d_overflows{ 0 };
    std::atomic<uint64_t> d_played{ 0 };
};

} // namespace wfm
} // namespace gr

#endif
