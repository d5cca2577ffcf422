// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/keys.h"
#include "link/link_parameters.h"
#include "link/sample_subscriber_impl.h"
#include "vrt/vrt_samples.h"
#include <algorithm>
#include <boost/thread/thread.hpp>
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer.h>
#include <gnuradio/io_signature.h>

namespace gr {
namespace wfm {

namespace {

constexpr int poll_milliseconds = 100; // a flowgraph that stops waits so long at most

// As UHD has it.
pmt::pmt_t rx_time(const vrt_stamp& stamp)
{
    if (stamp.is != vrt_stamp::kind::time)
        return pmt::PMT_NIL;
    return pmt::make_tuple(
        pmt::from_uint64(static_cast<uint64_t>(stamp.time.secs)),
        pmt::from_double(stamp.time.picoseconds / double(picoseconds_per_second)));
}

pmt::pmt_t rx_freq(const std::optional<double>& freq)
{
    return freq ? pmt::from_double(*freq) : pmt::PMT_NIL;
}

} // namespace

sample_subscriber::sptr sample_subscriber::make(const std::string& address,
                                                int channels,
                                                int high_water_mark,
                                                uint32_t stream_id)
{
    check_link(channels, high_water_mark);
    return gnuradio::make_block_sptr<sample_subscriber_impl>(
        channels,
        stream_id,
        packet_receiver::make(address, high_water_mark, most_message_bytes(channels)));
}

sample_subscriber_impl::sample_subscriber_impl(int channels,
                                               uint32_t stream_id,
                                               std::unique_ptr<packet_receiver> receiver)
    : gr::sync_block("wfm_sample_subscriber",
                     gr::io_signature::make(0, 0, 0),
                     gr::io_signature::make(channels, channels, sizeof(gr_complex))),
      d_receiver(std::move(receiver)),
      d_aligner(channels, stream_id, d_receiver->holds_all_channels()),
      d_freqs(channels)
{
}

bool sample_subscriber_impl::start()
{
    // Those of before belong to a run that has ended, or were dropped by lock() and unlock().
    d_told = false;
    return sync_block::start();
}

int sample_subscriber_impl::work(int noutput_items,
                                 gr_vector_const_void_star& input_items,
                                 gr_vector_void_star& output_items)
{
    const auto room = static_cast<size_t>(noutput_items);
    size_t done = 0;
    while (done < room) {
        if (!d_aligner.ready() && !wait_for_samples(done > 0))
            break;
        const aligned_samples& interval = d_aligner.front();
        if (d_taken == 0)
            add_tags(interval, done);
        const size_t count = std::min(room - done, interval.samples - d_taken);
        for (size_t channel = 0; channel < interval.channels.size(); channel++) {
            const auto& from = interval.channels[channel];
            read_samples(static_cast<gr_complex*>(output_items[channel]) + done,
                         from.payload + d_taken * bytes_of_sample(from.format),
                         count,
                         from.format);
        }
        done += count;
        d_taken += count;
        if (d_taken == interval.samples) {
            d_aligner.pop();
            d_taken = 0;
        }
    }
    d_out += done;
    return done > 0 ? static_cast<int>(done) : static_cast<int>(WORK_DONE);
}

// Until samples are there, or nobody takes them any more; only those that have come
// already, if the call has some to give out. The scheduler takes a source that gives
// nothing for idle, and leaves it alone for a quarter of a second: wait here.
bool sample_subscriber_impl::wait_for_samples(bool some_done)
{
    while (!d_aligner.ready()) {
        boost::this_thread::interruption_point(); // a flowgraph that stops
        const bool received = receive(some_done ? 0 : poll_milliseconds);
        if (!received && (some_done || is_done_below()))
            return false;
    }
    return true;
}

// Have all blocks that follow ended? The scheduler asks that only when buffers are full.
bool sample_subscriber_impl::is_done_below() const
{
    for (int output = 0; output < detail()->noutputs(); output++)
        if (!detail()->output(output)->done())
            return false;
    return true;
}

// Take the next message, if one comes in so many milliseconds.
bool sample_subscriber_impl::receive(int milliseconds)
{
    try {
        const auto message = d_receiver->receive(milliseconds);
        if (!message)
            return false;
        d_aligner.take(message);
    } catch (const vrt_refused& refused) {
        refuse(refused.kind, refused.what());
    }
    d_packets = d_aligner.packets();
    d_without_context = d_aligner.without_context();
    d_incomplete = d_aligner.incomplete();
    return true;
}

void sample_subscriber_impl::refuse(const char* kind, const std::string& why)
{
    d_refused++;
    std::lock_guard<std::mutex> lock(d_mutex);
    d_last_refusal = why;
    if (d_kinds_logged.insert(kind).second)
        d_logger->warn("a message was refused: {:s}; further ones of this kind are only "
                       "counted",
                       why);
}

// Tags for the first sample of an interval, which goes out at this offset of the call.
void sample_subscriber_impl::add_tags(const aligned_samples& interval, size_t offset)
{
    const received_clock::news said = d_clock.take(interval);
    d_lost += said.lost;
    d_lost_estimated += said.gap.value_or(0);
    const bool first = !std::exchange(d_told, true);
    const bool timed = interval.stamp.is == vrt_stamp::kind::time;
    const bool all = first || said.rate_changed || said.kind_changed || said.jumped ||
                     said.gap || (interval.announced && timed);
    for (size_t channel = 0; channel < d_freqs.size(); channel++) {
        if (all) {
            add_tag(channel, offset, keys::rx_rate, pmt::from_double(interval.rate));
            add_tag(channel, offset, keys::rx_time, rx_time(interval.stamp));
        }
        if (said.gap)
            add_tag(channel, offset, keys::wfm_gap, pmt::from_uint64(*said.gap));
        else if (said.lost && !timed)
            add_tag(channel, offset, keys::wfm_lost, pmt::from_uint64(said.lost));
        const std::optional<double>& freq = interval.channels[channel].freq;
        if (freq != d_freqs[channel] || (all && freq))
            add_tag(channel, offset, keys::rx_freq, rx_freq(freq));
        d_freqs[channel] = freq;
    }
}

void sample_subscriber_impl::add_tag(size_t channel,
                                     size_t offset,
                                     const pmt::pmt_t& key,
                                     const pmt::pmt_t& value)
{
    add_item_tag(channel, nitems_written(channel) + offset, key, value, alias_pmt());
}

std::map<std::string, uint64_t> sample_subscriber_impl::counters() const
{
    return { { "packets_in", d_packets },
             { "refused", d_refused },
             { "samples_out", d_out },
             { "samples_lost", d_lost },
             { "samples_lost_estimated", d_lost_estimated },
             { "incomplete", d_incomplete },
             { "without_context", d_without_context } };
}

std::string sample_subscriber_impl::last_refusal() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_last_refusal;
}

} // namespace wfm
} // namespace gr
