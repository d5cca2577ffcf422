// SPDX-License-Identifier: GPL-3.0-or-later
#include "link/sample_subscriber_impl.h"
#include "common/keys.h"
#include "common/parameter_check.h"
#include "common/tag_values.h"
#include "common/time_anchor.h"
#include "vrt/vrt_samples.h"
#include <algorithm>
#include <boost/thread/thread.hpp>
#include <climits>
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer.h>
#include <gnuradio/io_signature.h>

namespace gr::wfm {

namespace {

constexpr int poll_milliseconds = 100; // a flowgraph that stops waits so long at most

pmt::pmt_t rx_time(const vrt_stamp& stamp)
{
    const auto* const time = std::get_if<exact_time>(&stamp);
    if (!time)
        return pmt::PMT_NIL;
    const double rest = time->picoseconds / double(picoseconds_per_second);
    return time_anchor{ 0, static_cast<uint64_t>(time->secs), rest }.value();
}

} // namespace

sample_subscriber::sptr sample_subscriber::make(const std::string& address,
                                                int channels,
                                                int high_water_mark,
                                                uint32_t stream_id)
{
    constexpr parameter_check check("sample_subscriber");
    check.channels(channels);
    // to ZeroMQ 0 means without a limit
    check.range("high_water_mark", high_water_mark, 1, INT_MAX);
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
      d_aligner(channels, stream_id, d_receiver->holds_all_channels(), d_counters),
      d_freqs(channels)
{
}

bool sample_subscriber_impl::start()
{
    // Those of before belong to a run that has ended, or were dropped by lock() and
    // unlock().
    d_told = false;
    d_writer.begin(*this);
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
            add_tags(interval, nitems_written(0) + done);
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
    d_counters.samples_out += done;
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
    return true;
}

void sample_subscriber_impl::refuse(const char* kind, const std::string& why)
{
    d_counters.refused++;
    std::lock_guard<std::mutex> lock(d_mutex);
    d_last_refusal = why;
    if (d_kinds_logged.insert(kind).second)
        d_logger->warn("a message was refused: {:s}; further ones of this kind are only "
                       "counted",
                       why);
}

// Tags for the first sample of an interval, which is this one of the streams.
void sample_subscriber_impl::add_tags(const aligned_samples& interval, uint64_t sample)
{
    const received_clock::news said = d_clock.take(interval);
    d_counters.samples_lost += said.lost;
    d_counters.samples_lost_estimated += said.gap.value_or(0);
    const bool first = !std::exchange(d_told, true);
    const bool timed = std::holds_alternative<exact_time>(interval.stamp);
    const bool all = first || said.rate_changed || said.kind_changed || said.jumped ||
                     said.gap || (interval.announced && timed);
    if (all) {
        d_writer.write(sample, keys::rx_rate, pmt::from_double(interval.rate));
        d_writer.write(sample, keys::rx_time, rx_time(interval.stamp));
    }
    if (said.gap)
        d_writer.write(sample, keys::wfm_gap, pmt::from_uint64(*said.gap));
    else if (said.lost && !timed)
        d_writer.write(sample, keys::wfm_lost, pmt::from_uint64(said.lost));
    for (size_t channel = 0; channel < d_freqs.size(); channel++) {
        const std::optional<double>& freq = interval.channels[channel].freq;
        if (freq != d_freqs[channel] || (all && freq))
            d_writer.write(channel, sample, keys::rx_freq, value_or_nil(freq));
        d_freqs[channel] = freq;
    }
}

std::string sample_subscriber_impl::last_refusal() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_last_refusal;
}

} // namespace gr::wfm
