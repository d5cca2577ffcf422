// SPDX-License-Identifier: GPL-3.0-or-later
#include "link/stream_packer.h"
#include "common/keys.h"
#include "common/tag_values.h"
#include "common/time_anchor.h"
#include "vrt/vrt_samples.h"
#include <algorithm>
#include <cmath>
#include <utility>

namespace gr::wfm {

namespace {

// The packet's 64 bits, 20 of which are fraction.
constexpr double highest_freq = 8e12;
constexpr int64_t last_second = UINT32_MAX;

} // namespace

stream_packer::stream_packer(size_t channels,
                             double sample_rate,
                             vrt_format format,
                             uint32_t stream_id,
                             size_t most_message_bytes)
    : d_channels(channels),
      d_format(format),
      d_stream_id(stream_id),
      d_most_message_bytes(most_message_bytes),
      d_clock(sample_rate),
      d_freqs(channels),
      d_data_counts(channels),
      d_context_counts(channels),
      d_freqs_sent(channels)
{
}

void stream_packer::interrupt()
{
    d_time.reset();
    d_sample_loss = d_any_sent;
    d_interrupted = true;
}

void stream_packer::send(packet_sender& sender,
                         uint64_t first,
                         size_t samples,
                         const std::vector<const gr_complex*>& inputs,
                         const std::vector<channel_tag>& tags)
{
    if (std::exchange(d_interrupted, false))
        d_count_shift = d_next_count - first;
    size_t start = 0;
    for (size_t next = 0; next < tags.size();) {
        const uint64_t sample = tags[next].tag.offset;
        // The samples in front of it are still told by what was before.
        const std::vector<channel_tag>::const_iterator here = tags.begin() + next;
        const auto behind =
            std::find_if(here, tags.end(), [sample](const channel_tag& t) {
                return t.tag.offset != sample;
            });
        next = behind - tags.begin();
        if (sample > first + start) {
            add_piece(sender, first, start, sample - first - start, inputs);
            start = sample - first;
        }
        news said;
        for (auto tag = here; tag != behind; ++tag)
            note(tag->channel, tag->tag, said);
        settle(sample, said);
    }
    add_piece(sender, first, start, samples - start, inputs);
    d_next_count = first + samples + d_count_shift;
    flush(sender);
}

// The first channel that says something of the streams' time or rate says it for all.
void stream_packer::note(size_t channel, const tag_t& tag, news& said)
{
    bool good = true;
    if (pmt::eq(tag.key, keys::rx_time)) {
        if (!said.time)
            good = said.time = take_time(tag);
    } else if (pmt::eq(tag.key, keys::rx_freq)) {
        const std::optional<double> freq = finite_number(tag.value);
        good = pmt::is_null(tag.value) || (freq && std::abs(*freq) <= highest_freq);
        if (good)
            d_freqs[channel] = freq;
    } else if (pmt::eq(tag.key, keys::rx_rate)) {
        const std::optional<double> rate = finite_number(tag.value);
        good = rate && sample_clock::can_count(*rate);
        if (good && !said.rate) {
            said.rate = true;
            said.same_rate = *rate == d_clock.rate();
            // Up to here time went on at the old rate.
            if (d_time)
                d_time = { tag.offset,
                           d_clock.after(d_time->time, tag.offset - d_time->sample) };
            d_clock = sample_clock(*rate);
        }
    } else if (const auto samples = whole_number(tag.value)) {
        // The tags of all channels tell of one loss; none is longer than a year.
        said.lost = std::max(said.lost, std::min<uint64_t>(*samples, uint64_t(1) << 48));
        said.estimated = said.estimated || pmt::eq(tag.key, keys::wfm_gap);
    } else {
        good = false;
    }
    d_tags_ignored += !good;
}

bool stream_packer::take_time(const tag_t& tag)
{
    if (pmt::is_null(tag.value)) {
        d_time.reset();
        return true;
    }
    const std::optional<time_anchor> time = time_anchor::of(tag);
    if (!time)
        return false;
    d_time = { tag.offset, to_exact_time(static_cast<int64_t>(time->secs), time->frac) };
    return true;
}

void stream_packer::settle(uint64_t sample, const news& said)
{
    d_count_shift += said.lost;
    if (said.lost && d_time && !said.time)
        d_time = { sample,
                   d_clock.after(d_time->time, sample - d_time->sample + said.lost) };
    // A radio without a clock repeats its rate where it goes on after an overflow.
    const bool repeated = said.same_rate && !said.time && d_any_sent;
    if (said.estimated || (repeated && !said.lost))
        d_sample_loss = true;
}

vrt_stamp stream_packer::stamp(uint64_t sample) const
{
    if (d_time) {
        const exact_time time = d_clock.after(d_time->time, sample - d_time->sample);
        if (time.secs >= 0 && time.secs <= last_second)
            return time;
    }
    return sample + d_count_shift;
}

vrt_context stream_packer::next_context(size_t channel, const vrt_stamp& at)
{
    vrt_context context;
    context.stream_id = d_stream_id + channel;
    context.packet_count = d_context_counts[channel]++;
    context.stamp = at;
    context.changed = !d_any_sent || d_clock.rate() != d_rate_sent ||
                      d_freqs[channel] != d_freqs_sent[channel];
    context.sample_loss = d_sample_loss;
    context.rf_freq = d_freqs[channel];
    context.sample_rate = d_clock.rate();
    context.format = d_format;
    return context;
}

// Plan the packets of samples between which nothing changes.
void stream_packer::add_piece(packet_sender& sender,
                              uint64_t first,
                              size_t offset,
                              size_t samples,
                              const std::vector<const gr_complex*>& inputs)
{
    if (samples == 0)
        return;
    constexpr size_t longest_header = 28;
    const size_t most =
        (sender.most_packet_bytes() - longest_header) / bytes_of_sample(d_format);
    const size_t data_packets = (samples + most - 1) / most;
    const size_t upper_bound = d_channels * (108 + data_packets * longest_header +
                                             samples * bytes_of_sample(d_format));
    // Of very many changes in one interval, as only a fault makes them, some go first.
    if (d_planned_bytes > 0 && d_planned_bytes + upper_bound > d_most_message_bytes)
        flush(sender);
    d_planned_bytes += upper_bound;

    for (size_t channel = 0; channel < d_channels; channel++)
        d_packets.push_back(next_context(channel, stamp(first + offset)));
    for (size_t done = 0; done < samples; done += most) {
        const size_t count = std::min(most, samples - done);
        data_packet data;
        data.samples = count;
        data.stamp = stamp(first + offset + done);
        data.payload_bytes = count * bytes_of_sample(d_format);
        for (size_t channel = 0; channel < d_channels; channel++) {
            data.stream_id = d_stream_id + channel;
            data.packet_count = d_data_counts[channel]++;
            data.difi =
                conforms_to_difi(d_format, data.stamp, d_freqs[channel].has_value());
            data.from = inputs[channel] + offset + done;
            d_packets.push_back(data);
        }
    }
    d_any_sent = true;
    d_sample_loss = false;
    d_rate_sent = d_clock.rate();
    d_freqs_sent = d_freqs;
}

void stream_packer::flush(packet_sender& sender)
{
    std::vector<size_t> sizes;
    size_t all = 0;
    for (const auto& planned : d_packets) {
        const auto* const data = std::get_if<data_packet>(&planned);
        sizes.push_back(data ? data_header_bytes(data->difi, data->stamp) +
                                   data->payload_bytes
                             : context_bytes(std::get<vrt_context>(planned)));
        all += sizes.back();
    }
    uint8_t* to = sender.room(all);
    for (const auto& planned : d_packets) {
        if (const auto* const data = std::get_if<data_packet>(&planned)) {
            to = write_data_header(to, *data, data->difi);
            write_samples(to, data->from, data->samples, d_format);
            to += data->payload_bytes;
        } else {
            to = write_context(to, std::get<vrt_context>(planned));
        }
    }
    sender.send(sizes);
    d_packets.clear();
    d_planned_bytes = 0;
}

} // namespace gr::wfm
