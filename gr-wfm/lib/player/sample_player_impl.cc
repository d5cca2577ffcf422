// SPDX-License-Identifier: GPL-3.0-or-later
#include "player/sample_player_impl.h"
#include "common/keys.h"
#include "common/parameter_check.h"
#include <algorithm>
#include <boost/thread/thread.hpp>
#include <cmath>
#include <gnuradio/block_detail.h>
#include <gnuradio/io_signature.h>
#include <limits>
#include <stdexcept>
#include <thread>

namespace gr::wfm {

namespace {

// A radio hands over packets, not samples: wait for about so much signal.
constexpr double packet_seconds = 1e-3;
constexpr std::chrono::milliseconds longest_sleep(10);

constexpr parameter_check check("sample_player");

// How many samples to play; 0 asks for all from start.
uint64_t
checked_count(const player_parameters& p, const std::string& path, uint64_t samples)
{
    if (p.start >= samples || p.count > samples - p.start)
        throw std::runtime_error(
            "sample_player: " + path + " has " + std::to_string(samples) +
            " samples, expected: " + std::to_string(std::max<uint64_t>(p.count, 1)) +
            " from sample " + std::to_string(p.start));
    return p.count == 0 ? samples - p.start : p.count;
}

std::unique_ptr<sample_file> open_file(const sample_file_tuple& file,
                                       const std::vector<float>& hilbert)
{
    const auto& [path, datatype, channels, header_bytes] = file;
    check.channels(channels);
    return std::make_unique<sample_file>(
        path, sample_format(datatype), channels, header_bytes, hilbert);
}

int all_channels(const std::vector<std::unique_ptr<sample_file>>& files)
{
    int channels = 0;
    for (const auto& file : files)
        channels += file->channels();
    return channels;
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
                                        const std::vector<segment_tuple>& segments,
                                        const std::vector<missing_tuple>& missing,
                                        const std::vector<sample_file_tuple>& beside,
                                        const std::vector<float>& hilbert)
{
    player_parameters p{ sample_rate, start, count, repeat, paced, fifo_seconds };
    check.sample_rate(sample_rate);
    check(fifo_seconds > 0 && std::isfinite(fifo_seconds),
          "fifo_seconds",
          fifo_seconds,
          "more than 0 s");
    std::vector<std::unique_ptr<sample_file>> files;
    files.push_back(open_file({ path, datatype, channels, header_bytes }, hilbert));
    p.count = checked_count(p, path, files[0]->samples());
    for (const sample_file_tuple& file : beside) {
        files.push_back(open_file(file, hilbert));
        checked_count(p, std::get<0>(file), files.back()->samples());
    }
    // Whatever is behind the last sample is none, for the filter as well.
    for (auto& file : files)
        file->end_after(p.start + p.count);
    return gnuradio::make_block_sptr<sample_player_impl>(
        p, std::move(files), segments, missing);
}

sample_player_impl::sample_player_impl(const player_parameters& p,
                                       std::vector<std::unique_ptr<sample_file>> files,
                                       const std::vector<segment_tuple>& segments,
                                       const std::vector<missing_tuple>& missing)
    : gr::sync_block("sample_player",
                     gr::io_signature::make(0, 0, 0),
                     gr::io_signature::make(
                         all_channels(files), all_channels(files), sizeof(gr_complex))),
      d_parameters(p),
      d_files(std::move(files)),
      d_clock(segments, missing, p.sample_rate, p.start, p.count)
{
}

bool sample_player_impl::start()
{
    d_writer.begin(*this);
    d_all_told = !d_marker.goes_on(*this);
    if (!d_all_told)
        return sync_block::start();
    const double capacity = d_parameters.fifo_seconds * d_parameters.sample_rate;
    d_fifo = std::make_unique<radio_fifo>(std::max<uint64_t>(std::llround(capacity), 1));
    d_started.reset();
    d_after = 0;
    d_time_told = d_freq_told = false;
    d_lost = d_overflows = d_played = 0;
    d_cut = false;
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

// Whether less than a packet has come in, and more will.
bool sample_player_impl::awaits_packet() const
{
    const uint64_t packet =
        std::max<uint64_t>(1, std::llround(packet_seconds * d_parameters.sample_rate));
    return d_fifo->held() < std::min(packet, d_fifo->capacity()) &&
           d_fifo->received() < last();
}

// Until a packet has come in, or for a while. A stop of the flowgraph interrupts it.
void sample_player_impl::wait_for_packet() const
{
    const double packet = std::max(1.0, packet_seconds * d_parameters.sample_rate);
    const double held = static_cast<double>(d_fifo->held());
    const double due =
        std::min(d_fifo->received() - held + packet, static_cast<double>(last())) /
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
    if (d_cut)
        return WORK_DONE;
    uint64_t available = ready();
    // With whatever there is, work() would be called again for a few samples at a time,
    // and so would every block behind.
    while (paced && awaits_packet()) {
        wait_for_packet();
        available = ready();
    }
    if (available == 0)
        return WORK_DONE;
    const size_t count = std::min<uint64_t>(available, noutput_items);
    const uint64_t first = paced ? d_fifo->next() : d_played.load();
    for (size_t done = 0; done < count;) {
        const uint64_t next = first + done;
        add_tags(next, nitems_written(0) + done);
        const size_t piece =
            std::min<uint64_t>(count - done, d_clock.until_next_segment(next));
        const size_t there = copy(next, piece, done, output_items);
        done += there;
        d_after = next + there;
        if (there < piece)
            return end_early(done);
    }
    if (paced)
        d_fifo->take(count);
    d_played += count;
    return count;
}

// The file has become shorter while it was played.
int sample_player_impl::end_early(size_t count)
{
    d_played += count;
    if (!d_cut.exchange(true))
        d_logger->error(
            "the file was cut while it was played: it ends after {:d} samples",
            d_played.load());
    return count > 0 ? static_cast<int>(count) : static_cast<int>(WORK_DONE);
}

// Returns how many samples the files really have.
size_t sample_player_impl::copy(uint64_t next,
                                size_t count,
                                size_t offset,
                                gr_vector_void_star& outputs)
{
    const uint64_t first = d_clock.in_file(next);
    for (const auto& file : d_files)
        count = std::min(count, file->load(first, count));
    size_t output = 0;
    for (const auto& file : d_files)
        for (size_t channel = 0; channel < file->channels(); channel++, output++)
            file->read(first,
                       count,
                       channel,
                       static_cast<gr_complex*>(outputs[output]) + offset);
    return count;
}

// Tags for the played sample `next`, which is this one of the streams.
void sample_player_impl::add_tags(uint64_t next, uint64_t sample)
{
    const uint64_t dropped = next - d_after; // by the paced radio's FIFO
    const std::optional<uint64_t> missing = d_clock.missing(d_after, next);
    const bool again = !std::exchange(d_all_told, true);
    const bool full = dropped > 0 || again || d_clock.segment_starts(next);
    std::unique_lock<std::mutex> lock(d_retune_mutex);
    const double freq = d_retuned.value_or(d_clock.center_freq(next));
    const bool retuned = std::exchange(d_retune_news, false);
    lock.unlock();
    if (!full && !retuned)
        return;

    const std::optional<time_anchor> time = d_clock.time(next);
    // Two times tell what is between them, if the recording says no better.
    if (missing || (dropped > 0 && !(time && d_time_told)))
        d_writer.write(
            sample, keys::wfm_lost, pmt::from_uint64(dropped + missing.value_or(0)));
    if (next == 0 || dropped > 0 || again)
        d_writer.write(sample, keys::rx_rate, pmt::from_double(d_parameters.sample_rate));
    tell(sample, keys::rx_time, time ? time->value() : pmt::PMT_NIL, d_time_told);
    tell(sample,
         keys::rx_freq,
         std::isnan(freq) ? pmt::PMT_NIL : pmt::from_double(freq),
         d_freq_told);
}

// A value that is known, or once that it is not known any more.
void sample_player_impl::tell(uint64_t sample,
                              const pmt::pmt_t& key,
                              const pmt::pmt_t& value,
                              bool& told)
{
    const bool known = !pmt::is_null(value);
    if (known || told)
        d_writer.write(sample, key, value);
    told = known;
}

void sample_player_impl::set_center_freq(double center_freq)
{
    std::lock_guard<std::mutex> lock(d_retune_mutex);
    d_retuned = center_freq;
    d_retune_news = true;
}

} // namespace gr::wfm
