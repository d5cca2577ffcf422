// SPDX-License-Identifier: GPL-3.0-or-later
// What a radio's own tags say, and the tags that are written in their place.
#include "common/keys.h"
#include "radio/radio_tagger_impl.h"
#include <algorithm>
#include <cmath>

namespace gr::wfm {

// Take over the tags of one sample; what another block must see passes.
radio_tagger_impl::told radio_tagger_impl::apply(size_t& next)
{
    told said{ d_arrived[next].tag.offset };
    for (; next < d_arrived.size() && d_arrived[next].tag.offset == said.offset; next++) {
        const auto& [channel, tag] = d_arrived[next];
        if (pmt::eq(tag.key, keys::rx_freq)) {
            said.freq = true;
            said.retuned = take_freq(channel, tag) || said.retuned;
            continue;
        }
        if (pmt::eq(tag.key, keys::rx_time) && !believe(tag.value))
            continue;
        if (channel == 0 && segment_tracker::follows(tag.key))
            d_segment->note(0, tag);
        said.rate = said.rate || pmt::eq(tag.key, keys::rx_rate);
        said.time = said.time || pmt::eq(tag.key, keys::rx_time);
        if (!pmt::eq(tag.key, keys::rx_rate))
            d_writer.pass(channel, tag);
    }
    return said;
}

// Source blocks tag times, all of them nothing, for devices that have none.
bool radio_tagger_impl::believe(const pmt::pmt_t& time)
{
    static const pmt::pmt_t nothing = time_anchor{}.value();
    if (d_clock && pmt::equal(time, nothing)) {
        d_clock = false;
        if (!d_watch)
            d_watch.emplace(d_rate);
    }
    return d_clock;
}

// What the radio says of its frequency. True if that is another one than before; it may
// speak too early of a tuning that is still to come.
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
    d_segment->commit(said.offset);
    window_info here;
    here.start = said.offset;
    d_segment->describe(here);
    const bool new_rate = here.rx_rate != d_rate;
    d_rate = here.rx_rate;
    if (new_rate && d_watch)
        d_watch->set_rate(d_rate);
    if (said.time && here.has_rx_time)
        d_time = time_anchor::of(here);

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
        missing = d_watch ? d_watch->told(now, end) : 0;
    }
    const bool own_time = !d_clock && (d_first || missing);
    if (own_time) // the last of these samples has just come
        d_time = time_anchor::host(end).at(said.offset, d_rate);
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
            d_writer.write(
                i, std::max(*index, first), keys::rx_freq, pmt::from_double(d_freqs[i]));
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
    if (time && d_time)
        d_writer.write(offset, keys::rx_time, d_time->value());
    if (rate)
        d_writer.write(offset, keys::rx_rate, pmt::from_double(d_rate));
    for (size_t i = 0; i < d_channels; i++)
        if (!std::isnan(d_freqs[i]))
            d_writer.write(i, offset, keys::rx_freq, pmt::from_double(d_freqs[i]));
    if (missing)
        d_writer.write(offset, keys::wfm_gap, pmt::from_uint64(*missing));
}

} // namespace gr::wfm
