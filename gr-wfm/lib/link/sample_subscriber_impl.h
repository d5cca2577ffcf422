// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/channel_tags.h"
#include "link/channel_aligner.h"
#include "link/packet_link.h"
#include "link/received_clock.h"
#include <gnuradio/wfm/sample_subscriber.h>
#include <mutex>
#include <set>

namespace gr::wfm {

class sample_subscriber_impl : public sample_subscriber
{
public:
    sample_subscriber_impl(int channels,
                           uint32_t stream_id,
                           std::unique_ptr<packet_receiver> receiver);

    bool start() override;
    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

    std::map<std::string, uint64_t> counters() const override
    {
        return d_counters.values();
    }
    std::string last_refusal() const override;

private:
    bool wait_for_samples(bool some_done);
    bool is_done_below() const;
    bool receive(int milliseconds);
    void refuse(const char* kind, const std::string& why);
    void add_tags(const aligned_samples& interval, uint64_t sample);

    const std::unique_ptr<packet_receiver> d_receiver;
    subscriber_counters d_counters;
    channel_aligner d_aligner;
    received_clock d_clock;
    tag_writer d_writer;
    size_t d_taken = 0;  //!< samples of the aligner's first interval that are out
    bool d_told = false; //!< the streams have their tags
    std::vector<std::optional<double>> d_freqs;
    std::set<std::string> d_kinds_logged;
    mutable std::mutex d_mutex;
    std::string d_last_refusal;
};

} // namespace gr::wfm
