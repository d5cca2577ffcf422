// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/segment_tracker.h"
#include "link/link_parameters.h"
#include "link/sample_publisher_impl.h"
#include <algorithm>
#include <gnuradio/block_detail.h>
#include <gnuradio/io_signature.h>

namespace gr {
namespace wfm {

sample_publisher::sptr sample_publisher::make(const std::string& address,
                                              int channels,
                                              double sample_rate,
                                              int interval,
                                              int high_water_mark,
                                              const std::string& sample_format,
                                              int datagram_bytes,
                                              uint32_t stream_id)
{
    check_link(channels, high_water_mark);
    check_range("interval", interval, 1, most_interval);
    check_range("datagram_bytes", datagram_bytes, 256, 65507);
    if (!sample_clock::can_count(sample_rate))
        throw std::invalid_argument("sample rate " + std::to_string(sample_rate) +
                                    " Hz: 0.001 to 10^12 are expected");
    const publisher_parameters parameters{
        channels, sample_rate, interval, format_named(sample_format), stream_id
    };
    return gnuradio::make_block_sptr<sample_publisher_impl>(
        parameters, packet_sender::make(address, high_water_mark, datagram_bytes));
}

sample_publisher_impl::sample_publisher_impl(const publisher_parameters& parameters,
                                             std::unique_ptr<packet_sender> sender)
    : gr::sync_block("wfm_sample_publisher",
                     gr::io_signature::make(
                         parameters.channels, parameters.channels, sizeof(gr_complex)),
                     gr::io_signature::make(0, 0, 0)),
      d_parameters(parameters),
      d_sender(std::move(sender)),
      d_inputs(parameters.channels)
{
    set_output_multiple(parameters.interval);
}

bool sample_publisher_impl::start()
{
    // lock() and unlock() keep the detail; they drop samples and tags on their way.
    if (d_packer && d_detail_of_run.lock() == detail()) {
        d_packer->interrupt();
    } else {
        d_detail_of_run = detail();
        d_packer = std::make_unique<stream_packer>(
            d_parameters.channels,
            d_parameters.sample_rate,
            d_parameters.format,
            d_parameters.stream_id,
            most_message_bytes(d_parameters.channels));
        d_sent = d_tags_ignored = 0;
    }
    d_finished = d_ended = false;
    return sync_block::start();
}

bool sample_publisher_impl::stop()
{
    d_ended = true;
    return sync_block::stop();
}

int sample_publisher_impl::work(int noutput_items,
                                gr_vector_const_void_star& input_items,
                                gr_vector_void_star& output_items)
{
    if (d_finished)
        return WORK_DONE;
    const int interval = d_parameters.interval;
    for (int done = 0; done < noutput_items; done += interval) {
        const uint64_t first = nitems_read(0) + done;
        read_tags(first, first + interval);
        for (size_t channel = 0; channel < d_inputs.size(); channel++)
            d_inputs[channel] =
                static_cast<const gr_complex*>(input_items[channel]) + done;
        d_packer->send(*d_sender, first, interval, d_inputs, d_tags);
        d_sent += interval;
    }
    const uint64_t ignored = d_packer->tags_ignored();
    if (ignored > 0 && d_tags_ignored == 0)
        d_logger->warn("a tag rx_time, rx_rate, rx_freq, wfm_lost or wfm_gap is ignored: "
                       "its value is none; further ones are only counted");
    d_tags_ignored = ignored;
    return noutput_items;
}

// Into d_tags, those that matter here, in the order of the samples.
void sample_publisher_impl::read_tags(uint64_t first, uint64_t end)
{
    d_tags.clear();
    for (size_t channel = 0; channel < d_inputs.size(); channel++) {
        get_tags_in_range(d_channel_tags, channel, first, end);
        for (const tag_t& tag : d_channel_tags)
            if (segment_tracker::follows(tag.key))
                d_tags.push_back({ channel, tag });
    }
    std::stable_sort(d_tags.begin(), d_tags.end(), [](const auto& a, const auto& b) {
        return a.tag.offset < b.tag.offset;
    });
}

} // namespace wfm
} // namespace gr
