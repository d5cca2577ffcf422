// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/scheduler_state.h"
#include "link/packet_link.h"
#include "link/stream_packer.h"
#include <atomic>
#include <gnuradio/wfm/sample_publisher.h>

namespace gr::wfm {

class sample_publisher_impl : public sample_publisher
{
public:
    sample_publisher_impl(int channels,
                          int interval,
                          const stream_packer& packer,
                          std::unique_ptr<packet_sender> sender);

    bool start() override;
    bool stop() override;
    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

    uint64_t samples_sent() const override { return d_sent; }
    uint64_t tags_ignored() const override { return d_tags_ignored; }
    void finish() override { d_finished = true; }
    bool ended() const override { return d_ended; }

private:
    const int d_interval;
    const std::unique_ptr<packet_sender> d_sender;
    const stream_packer d_new_packer;
    std::optional<stream_packer> d_packer; //!< another one in each run
    run_marker d_marker;
    std::vector<channel_tag> d_tags;
    std::vector<const gr_complex*> d_inputs;

    std::atomic<uint64_t> d_sent{ 0 };
    std::atomic<uint64_t> d_tags_ignored{ 0 };
    std::atomic<bool> d_finished{ false };
    std::atomic<bool> d_ended{ false };
};

} // namespace gr::wfm
