// SPDX-License-Identifier: GPL-3.0-or-later
#include "sample_player_impl.h"
#include <algorithm>
#include <boost/thread/thread.hpp>
#include <cmath>
#include <gnuradio/io_signature.h>
#include <limits>
#include <stdexcept>
#include <thread>

namespace gr {
namespace wfm {

namespace {

// A radio hands over packets, not samples: wait for about so much signal.
constexpr double packet_seconds = 1e-3;
constexpr std::chrono::milliseconds longest_sleep(10);

void check(bool good, const std::string& sentence)
{
    if (!good)
        throw std::invalid_argument("sample_player: " + sentence);
}

void check_parameters(const player_parameters& p)
{
    check(p.channels >= 1 && p.channels <= 64,
          "channels is " + std::to_string(p.channels) + ", wanted: 1 to 64");
    check(p.sample_rate > 0 && std::isfinite(p.sample_rate),
          "sample_rate is " + std::to_string(p.sample_rate) + ", wanted: more than 0 Hz");
    check(p.fifo_seconds > 0 && std::isfinite(p.fifo_seconds),
          "fifo_seconds is " + std::to_string(p.fifo_seconds) +
              ", wanted: more than 0 s");
}

// How many samples to play; 0 asks for all from start.
uint64_t checked_count(const player_parameters& p, uint64_t samples)
{
    if (p.start >= samples || p.count > samples - p.start)
        throw std::runtime_error(
            "sample_player: " + p.path + " has " + std::to_string(samples) +
            " samples, wanted: " + std::to_string(std::max<uint64_t>(p.count, 1)) +
            " from sample " + std::to_string(p.start));
    return p.count == 0 ? samples - p.start : p.count;
}

} // namespace

sample_player::sptr sample_player::make(const std::string& path,
                                        const std::string& datatype,
                                        int channels,
                                        double sample_rate,
                                        uint64_t header_bytes,
                                        uint64_t start,
                                        uint64_t count,
                                        bool repeat,
                                        bool paced,
                                        double fifo_seconds,
                                        const std::vector<segment_tuple>& segments)
{
    player_parameters p{ path,  datatype, channels, sample_rate, header_bytes,
                         start, count,    repeat,   paced,       fifo_seconds };
    check_parameters(p);
    auto file = std::make_unique<sample_file>(
        path, sample_format(datatype), channels, header_bytes);
    p.count = checked_count(p, file->samples());
    return gnuradio::make_block_sptr<sample_player_impl>(p, std::move(file), segments);
}

sample_player_impl::sample_player_impl(const player_parameters& p,
                                       std::unique_ptr<sample_file> file,
                                       const std::vector<segment_tuple>& segments)
    : gr::sync_block("sample_player",
                     gr::io_signature::make(0, 0, 0),
                     gr::io_signature::make(p.channels, p.channels, sizeof(gr_complex))),
      d_parameters(p),
      d_file(std::move(file)),
      d_clock(segments, p.sample_rate, p.start, p.count)
{
}

bool sample_player_impl::start()
{
    const double capacity = d_parameters.fifo_seconds * d_parameters.sample_rate;
    d_fifo = std::make_unique<radio_fifo>(std::max<uint64_t>(std::llround(capacity), 1));
    d_started.reset();
    d_gap = false;
    d_lost = d_overflows = d_played = 0;
    return sync_block::start();
}

// The played sample after the last one.
uint64_t sample_player_impl::last() const
{
    return d_parameters.repeat ? std::numeric_limits<uint64_t>::max()
                               : d_parameters.count;
}

// Samples that can be put out now, without a gap.
uint64_t sample_player_impl::ready()
{
    if (!d_parameters.paced)
        return last() - d_played;
    const auto now = clock::now();
    if (!d_started)
        d_started = now;
    const double seconds = std::chrono::duration<double>(now - *d_started).count();
    const auto received = static_cast<uint64_t>(seconds * d_parameters.sample_rate);
    d_fifo->receive(std::min(received, last()));
    d_lost = d_fifo->lost();
    d_overflows = d_fifo->overflows();
    return d_fifo->available();
}

// Until a packet has come in, or for a while. A stop of the flowgraph interrupts it.
void sample_player_impl::wait_for_packet() const
{
    const double packet = std::max(1.0, packet_seconds * d_parameters.sample_rate);
    const double due =
        std::min(d_fifo->received() + packet, static_cast<double>(last())) /
        d_parameters.sample_rate;
    const auto wake = *d_started + std::chrono::duration_cast<clock::duration>(
                                       std::chrono::duration<double>(due));
    std::this_thread::sleep_until(std::min(wake, clock::now() + longest_sleep));
    boost::this_thread::interruption_point();
}

int sample_player_impl::work(int noutput_items,
                             gr_vector_const_void_star& input_items,
                             gr_vector_void_star& output_items)
{
    const bool paced = d_parameters.paced;
    // The scheduler takes a source that gives nothing for idle, and leaves it
    // alone for a quarter of a second: wait here.
    uint64_t available = ready();
    while (available == 0) {
        if (!paced || d_fifo->received() == last())
            return WORK_DONE;
        wait_for_packet();
        available = ready();
    }
    const size_t count = std::min<uint64_t>(available, noutput_items);
    const uint64_t first = paced ? d_fifo->next() : d_played.load();
    for (size_t done = 0; done < count;) {
        const uint64_t next = first + done;
        add_tags(next, done);
        const size_t piece =
            std::min<uint64_t>(count - done, d_clock.until_next_segment(next));
        copy(next, piece, done, output_items);
        done += piece;
    }
    if (paced)
        d_gap = d_fifo->take(count);
    d_played += count;
    return count;
}

void sample_player_impl::copy(uint64_t next,
                              size_t count,
                              size_t offset,
                              gr_vector_void_star& outputs) const
{
    for (size_t channel = 0; channel < outputs.size(); channel++)
        d_file->read(d_clock.in_file(next),
                     count,
                     channel,
                     static_cast<gr_complex*>(outputs[channel]) + offset);
}

// Tags for the played sample `next`, which goes out at this offset of the call.
void sample_player_impl::add_tags(uint64_t next, size_t offset)
{
    static const pmt::pmt_t time_key = pmt::intern("rx_time");
    static const pmt::pmt_t rate_key = pmt::intern("rx_rate");
    static const pmt::pmt_t freq_key = pmt::intern("rx_freq");

    const bool full = d_gap || d_clock.segment_starts(next);
    d_gap = false;
    std::unique_lock<std::mutex> lock(d_retune_mutex);
    const double freq = d_retuned.value_or(d_clock.center_freq(next));
    const bool retuned = std::exchange(d_retune_news, false);
    lock.unlock();
    if (!full && !retuned)
        return;

    const time_anchor time = d_clock.time(next);
    const pmt::pmt_t stamp =
        pmt::make_tuple(pmt::from_uint64(time.secs), pmt::from_double(time.frac));
    for (int channel = 0; channel < d_parameters.channels; channel++) {
        const uint64_t at = nitems_written(channel) + offset;
        add_item_tag(channel, at, time_key, stamp, alias_pmt());
        if (full)
            add_item_tag(channel,
                         at,
                         rate_key,
                         pmt::from_double(d_parameters.sample_rate),
                         alias_pmt());
        if (!std::isnan(freq))
            add_item_tag(channel, at, freq_key, pmt::from_double(freq), alias_pmt());
    }
}

void sample_player_impl::set_center_freq(double center_freq)
{
    std::lock_guard<std::mutex> lock(d_retune_mutex);
    d_retuned = center_freq;
    d_retune_news = true;
}

} // namespace wfm
} // namespace gr
