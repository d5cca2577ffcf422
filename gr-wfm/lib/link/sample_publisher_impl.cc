// SPDX-License-Identifier: GPL-3.0-or-later
#include "link/sample_publisher_impl.h"
#include "common/parameter_check.h"
#include "common/segment_tracker.h"
#include <climits>
#include <gnuradio/block_detail.h>
#include <gnuradio/io_signature.h>
#include <iomanip>

namespace gr::wfm {

sample_publisher::sptr sample_publisher::make(const std::string& address,
                                              int channels,
                                              double sample_rate,
                                              int interval,
                                              int high_water_mark,
                                              const std::string& sample_format,
                                              int datagram_bytes,
                                              uint32_t stream_id)
{
    constexpr parameter_check check("sample_publisher");
    check.channels(channels);
    check.range("interval", interval, 1, most_interval);
    // to ZeroMQ 0 means without a limit
    check.range("high_water_mark", high_water_mark, 1, INT_MAX);
    check.range("datagram_bytes", datagram_bytes, 256, 65507);
    check(sample_clock::can_count(sample_rate),
          "sample_rate",
          sample_rate,
          "0.001 to 1e12 Hz");
    check(sample_format == "cf32" || sample_format == "ci16",
          "sample_format",
          std::quoted(sample_format),
          "cf32 or ci16");
    const vrt_format format =
        sample_format == "cf32" ? vrt_format::cf32 : vrt_format::ci16;
    return gnuradio::make_block_sptr<sample_publisher_impl>(
        channels,
        interval,
        stream_packer(
            channels, sample_rate, format, stream_id, most_message_bytes(channels)),
        packet_sender::make(address, high_water_mark, datagram_bytes));
}

sample_publisher_impl::sample_publisher_impl(int channels,
                                             int interval,
                                             const stream_packer& packer,
                                             std::unique_ptr<packet_sender> sender)
    : gr::sync_block("wfm_sample_publisher",
                     gr::io_signature::make(channels, channels, sizeof(gr_complex)),
                     gr::io_signature::make(0, 0, 0)),
      d_interval(interval),
      d_sender(std::move(sender)),
      d_new_packer(packer),
      d_inputs(channels)
{
    set_output_multiple(interval);
}

bool sample_publisher_impl::start()
{
    if (d_marker.goes_on(*this) && d_packer) {
        d_packer->interrupt();
    } else {
        d_packer.emplace(d_new_packer);
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
    for (int done = 0; done < noutput_items; done += d_interval) {
        const uint64_t first = nitems_read(0) + done;
        read_tags(*this, first, first + d_interval, segment_tracker::follows, d_tags);
        for (size_t channel = 0; channel < d_inputs.size(); channel++)
            d_inputs[channel] =
                static_cast<const gr_complex*>(input_items[channel]) + done;
        d_packer->send(*d_sender, first, d_interval, d_inputs, d_tags);
        d_sent += d_interval;
    }
    const uint64_t ignored = d_packer->tags_ignored();
    if (ignored > 0 && d_tags_ignored == 0)
        d_logger->warn("a tag rx_time, rx_rate, rx_freq, wfm_lost or wfm_gap is ignored: "
                       "its value is none; further ones are only counted");
    d_tags_ignored = ignored;
    return noutput_items;
}

} // namespace gr::wfm
