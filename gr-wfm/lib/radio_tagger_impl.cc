// SPDX-License-Identifier: GPL-3.0-or-later
#include "radio_tagger_impl.h"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer_reader.h>
#include <gnuradio/io_signature.h>
#include <stdexcept>

namespace gr {
namespace wfm {

namespace {

const pmt::pmt_t time_key = pmt::intern("rx_time");
const pmt::pmt_t rate_key = pmt::intern("rx_rate");
const pmt::pmt_t freq_key = pmt::intern("rx_freq");
const pmt::pmt_t gap_key = pmt::intern("wfm_gap");

double steady_seconds()
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

void check(bool good, const std::string& sentence)
{
    if (!good)
        throw std::invalid_argument("radio_tagger: " + sentence);
}

} // namespace

radio_tagger::sptr radio_tagger::make(int channels,
                                      double sample_rate,
                                      const std::vector<double>& center_freqs,
                                      bool clock,
                                      bool watch)
{
    check(channels >= 1 && channels <= 64,
          "channels is " + std::to_string(channels) + ", expected 1 to 64");
    check(sample_rate > 0 && std::isfinite(sample_rate),
          "sample_rate is " + std::to_string(sample_rate) + ", expected more than 0 Hz");
    return gnuradio::make_block_sptr<radio_tagger_impl>(
        channels, sample_rate, center_freqs, clock, watch);
}

radio_tagger_impl::radio_tagger_impl(int channels,
                                     double sample_rate,
                                     const std::vector<double>& center_freqs,
                                     bool clock,
                                     bool watch)
    : gr::block("radio_tagger",
                gr::io_signature::make(channels, channels, sizeof(gr_complex)),
                gr::io_signature::make(channels, channels, sizeof(gr_complex))),
      d_channels(channels),
      d_clocked(clock),
      d_watched(watch),
      d_clock(clock),
      d_rate(sample_rate),
      d_freqs(center_freqs)
{
    check_freqs(center_freqs);
    set_tag_propagation_policy(TPP_DONT);
}

void radio_tagger_impl::check_freqs(const std::vector<double>& center_freqs) const
{
    check(center_freqs.size() == d_channels,
          std::to_string(center_freqs.size()) + " frequencies, expected one for each of " +
              std::to_string(d_channels) + " channels");
}

bool radio_tagger_impl::start()
{
    d_first = true;
    d_ending = d_over = d_source_ended = false;
    d_samples = d_overflows = d_lost = d_lost_estimated = 0;
    d_clock = d_clocked;
    d_time.reset();
    d_watch.reset();
    if (d_watched)
        d_watch.emplace(d_rate);
    d_segment.reset();
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        for (tuning& each : d_pending)
            if (each.index)
                each.index = 0; // samples count from 0 in each run
    }
    d_runs++;
    return block::start();
}

bool radio_tagger_impl::stop()
{
    d_over = true;
    return block::stop();
}

void radio_tagger_impl::forecast(int noutput_items, gr_vector_int& required)
{
    // A stream that is to end must not wait for samples.
    const bool ends = d_ending || radio_is_done();
    std::fill(required.begin(), required.end(), ends ? 0 : 1);
}

// Has a channel ended, and been passed on to its last sample?
bool radio_tagger_impl::radio_is_done() const
{
    for (size_t i = 0; i < d_channels; i++) {
        const buffer_reader_sptr input = detail()->input(i);
        if (!input->done())
            continue;
        gr::thread::scoped_lock guard(*input->mutex());
        if (input->items_available() == 0)
            return true;
    }
    return false;
}

bool radio_tagger_impl::waiting() const
{
    if (!detail() || d_over)
        return false;
    const buffer_reader_sptr input = detail()->input(0);
    gr::thread::scoped_lock guard(*input->mutex());
    return input->items_available() > 0;
}

int radio_tagger_impl::general_work(int noutput_items,
                                    gr_vector_int& ninput_items,
                                    gr_vector_const_void_star& input_items,
                                    gr_vector_void_star& output_items)
{
    if (d_ending)
        return WORK_DONE;
    const int count =
        std::min(noutput_items, *std::min_element(ninput_items.begin(), ninput_items.end()));
    if (count <= 0) {
        d_source_ended = radio_is_done();
        return d_source_ended ? static_cast<int>(WORK_DONE) : 0;
    }
    const double now = steady_seconds();
    const uint64_t first = nitems_read(0);
    const uint64_t end = first + count;
    if (!d_segment)
        d_segment = std::make_unique<segment_tracker>(1, d_rate, first);

    read_tags(first, end);
    if (d_first && (d_arrived.empty() || d_arrived.front().tag.offset != first))
        act_on({ first }, now, end);
    for (size_t next = 0; next < d_arrived.size();)
        act_on(apply(next), now, end);
    tune(first, end);
    d_samples += count;
    if (d_watch) {
        const uint64_t missing = d_watch->arrived(now, d_samples);
        if (missing > 0) {
            d_overflows++;
            // Found after it happened: the stream goes on here at the right time.
            write_state(first, missing, true, true);
        }
        d_lost_estimated = d_watch->missing();
    }
    for (size_t i = 0; i < d_channels; i++)
        std::memcpy(output_items[i], input_items[i], count * sizeof(gr_complex));
    consume_each(count);
    return count;
}

// Into d_arrived, in the order of the samples.
void radio_tagger_impl::read_tags(uint64_t first, uint64_t end)
{
    d_arrived.clear();
    for (size_t channel = 0; channel < d_channels; channel++) {
        get_tags_in_range(d_channel_tags, channel, first, end);
        for (const tag_t& tag : d_channel_tags)
            d_arrived.push_back({ channel, tag });
    }
    std::stable_sort(d_arrived.begin(),
                     d_arrived.end(),
                     [](const arrived_tag& a, const arrived_tag& b) {
                         return a.tag.offset < b.tag.offset;
                     });
}

// Take over the tags of one sample; what another block must see passes.
radio_tagger_impl::told radio_tagger_impl::apply(size_t& next)
{
    told said{ d_arrived[next].tag.offset };
    for (; next < d_arrived.size() && d_arrived[next].tag.offset == said.offset; next++) {
        const auto& [channel, tag] = d_arrived[next];
        if (pmt::eq(tag.key, freq_key)) {
            said.freq = true;
            said.retuned = take_freq(channel, tag) || said.retuned;
            continue;
        }
        if (pmt::eq(tag.key, time_key) && !believe(tag.value))
            continue;
        if (channel == 0 && segment_tracker::follows(tag.key))
            d_segment->note(0, tag);
        said.rate = said.rate || pmt::eq(tag.key, rate_key);
        said.time = said.time || pmt::eq(tag.key, time_key);
        if (!pmt::eq(tag.key, rate_key))
            add_item_tag(channel, tag);
    }
    return said;
}

// Source blocks tag times, all of them nothing, for devices that have none.
bool radio_tagger_impl::believe(const pmt::pmt_t& time)
{
    static const pmt::pmt_t nothing =
        pmt::make_tuple(pmt::from_uint64(0), pmt::from_double(0.0));
    if (d_clock && pmt::equal(time, nothing)) {
        d_clock = false;
        if (!d_watch)
            d_watch.emplace(d_rate);
    }
    return d_clock;
}

// What the radio says of its frequency. True if that is another one than before; it may speak too early of
// a tuning that is still to come.
bool radio_tagger_impl::take_freq(size_t channel, const tag_t& tag)
{
    if (!pmt::is_real(tag.value))
        return false;
    const double freq = pmt::to_double(tag.value);
    const bool news = freq != d_freqs[channel];
    std::lock_guard<std::mutex> lock(d_mutex);
    const bool timed = std::any_of(
        d_pending.begin(), d_pending.end(), [](const tuning& t) { return !t.index; });
    if (!timed)
        d_freqs[channel] = freq;
    return news;
}

// A sample on which the radio says something, or the first one.
void radio_tagger_impl::act_on(const told& said, double now, uint64_t end)
{
    const uint64_t arrived = d_samples + (end - nitems_read(0));
    d_segment->commit(said.offset);
    window_info here;
    here.start = said.offset;
    d_segment->describe(here);
    const bool new_rate = here.rx_rate != d_rate;
    d_rate = here.rx_rate;
    if (new_rate && d_watch)
        d_watch->set_rate(d_rate);
    if (said.time && here.has_rx_time)
        d_time = time_anchor{ said.offset, here.rx_time_secs, here.rx_time_frac };

    std::optional<uint64_t> missing;
    if (said.time && d_segment->lost() > 0) {
        d_overflows++;
        d_lost += d_segment->lost();
        // The radio's clock has told it: not for the host's to find again.
        if (d_watch)
            d_watch->forgive(d_segment->lost());
    } else if (said.rate && !said.time && !d_first && !new_rate && !said.retuned) {
        // gr-soapy: it goes on after an overflow, and does not know how long that was.
        d_overflows++;
        missing = d_watch ? d_watch->told(now, arrived) : 0;
    }
    const bool own_time = !d_clock && (d_first || missing);
    if (own_time)
        d_time = host_time((end - said.offset) / d_rate, said.offset);
    if (d_first || said.rate || said.time || said.freq)
        write_state(said.offset, missing, own_time, d_first || said.rate);
    d_first = false;
}

// Tags for the tunings that begin among these samples.
void radio_tagger_impl::tune(uint64_t first, uint64_t end)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    while (!d_pending.empty()) {
        const std::optional<uint64_t> index = index_of(d_pending.front());
        if (!index || *index >= end)
            return;
        d_freqs = d_pending.front().freqs;
        d_pending.pop_front();
        for (size_t i = 0; i < d_channels; i++)
            write(i, std::max(*index, first), freq_key, pmt::from_double(d_freqs[i]));
    }
}

std::optional<uint64_t> radio_tagger_impl::index_of(const tuning& wanted) const
{
    if (wanted.index)
        return wanted.index;
    if (!d_time)
        return {};
    const double samples = std::ceil(wanted.time.since(*d_time) * d_rate - 0.5);
    if (!(samples > 0))
        return d_time->offset;
    return d_time->offset + static_cast<uint64_t>(std::min(samples, 1e18));
}

void radio_tagger_impl::write_state(uint64_t offset,
                                    std::optional<uint64_t> missing,
                                    bool time,
                                    bool rate)
{
    if (missing && time && d_time && d_time->offset != offset) {
        time_anchor anchor = d_time->at(offset, d_rate);
        anchor.frac += *missing / d_rate;
        d_time = anchor.at(offset, d_rate);
    }
    for (size_t i = 0; i < d_channels; i++) {
        if (time && d_time)
            write(i,
                  offset,
                  time_key,
                  pmt::make_tuple(pmt::from_uint64(d_time->secs),
                                  pmt::from_double(d_time->frac)));
        if (rate)
            write(i, offset, rate_key, pmt::from_double(d_rate));
        if (!std::isnan(d_freqs[i]))
            write(i, offset, freq_key, pmt::from_double(d_freqs[i]));
        if (missing)
            write(i, offset, gap_key, pmt::from_uint64(*missing));
    }
}

void radio_tagger_impl::write(size_t channel,
                              uint64_t offset,
                              const pmt::pmt_t& key,
                              const pmt::pmt_t& value)
{
    add_item_tag(channel, offset, key, value, alias_pmt());
}

time_anchor radio_tagger_impl::host_time(double seconds_ago, uint64_t offset) const
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(now);
    const double rest = std::chrono::duration<double>(now - whole).count();
    return time_anchor{ offset, static_cast<uint64_t>(whole.count()), rest - seconds_ago }
        .at(offset, d_rate);
}

void radio_tagger_impl::set_center_freqs(const std::vector<double>& center_freqs)
{
    check_freqs(center_freqs);
    // The samples that wait in the input buffer were received before.
    uint64_t index = 0;
    if (detail()) {
        const buffer_reader_sptr input = detail()->input(0);
        gr::thread::scoped_lock guard(*input->mutex());
        index = input->nitems_read() + input->items_available();
    }
    std::lock_guard<std::mutex> lock(d_mutex);
    d_pending.push_back({ center_freqs, index, {} });
}

void radio_tagger_impl::set_center_freqs_at(const std::vector<double>& center_freqs,
                                            uint64_t secs,
                                            double frac)
{
    check_freqs(center_freqs);
    std::lock_guard<std::mutex> lock(d_mutex);
    d_pending.push_back({ center_freqs, {}, time_anchor{ 0, secs, frac } });
}

void radio_tagger_impl::end()
{
    d_ending = true;
    if (detail())
        detail()->d_tpb.notify_msg();
}

std::map<std::string, uint64_t> radio_tagger_impl::counters() const
{
    return { { "samples", d_samples },
             { "overflows", d_overflows },
             { "samples_lost", d_lost },
             { "samples_lost_estimated", d_lost_estimated } };
}

} // namespace wfm
} // namespace gr
