// SPDX-License-Identifier: GPL-3.0-or-later
#include "link/channel_aligner.h"
#include <algorithm>
#include <utility>

namespace gr::wfm {

namespace {

// Intervals that wait for a channel: in order, the next one is all that there should be.
constexpr size_t most_waiting = 16;

} // namespace

channel_aligner::channel_aligner(size_t channels,
                                 uint32_t stream_id,
                                 bool whole_messages,
                                 subscriber_counters& counters)
    : d_channels(channels),
      d_stream_id(stream_id),
      d_whole_messages(whole_messages),
      d_counters(counters)
{
    d_state.streams.resize(channels);
}

void channel_aligner::take(const std::shared_ptr<const received_message>& message)
{
    if (message->size == 0)
        throw vrt_refused("size", "0 bytes: packets are expected");
    // Of a message that is refused halfway nothing is to stay.
    state now = d_state;
    now.without_context = now.incomplete = 0;
    std::deque<aligned_samples> ready;
    uint64_t packets = 0;
    vrt_reader reader(message->bytes, message->size);
    for (; !reader.at_end(); packets++) {
        switch (reader.next()) {
        case vrt_reader::type::data:
            add(now, ready, reader.data(), message);
            break;
        case vrt_reader::type::context:
            note(now, reader.context());
            break;
        case vrt_reader::type::other:
            break;
        }
    }
    if (d_whole_messages && !now.waiting.empty())
        throw vrt_refused("channels",
                          "a message without the same samples of all channels: " +
                              std::to_string(d_channels) + " are expected");
    d_counters.packets_in += packets;
    d_counters.without_context += now.without_context;
    d_counters.incomplete += now.incomplete;
    d_state = std::move(now);
    std::move(ready.begin(), ready.end(), std::back_inserter(d_ready));
}

size_t channel_aligner::channel_of(uint32_t stream_id) const
{
    const uint32_t channel = stream_id - d_stream_id; // ids may wrap around
    if (channel >= d_channels)
        throw vrt_refused("channels",
                          "stream id " + std::to_string(stream_id) + ": " +
                              std::to_string(d_stream_id) + " to " +
                              std::to_string(d_stream_id + d_channels - 1) +
                              " are expected, one for each channel");
    return channel;
}

void channel_aligner::note(state& now, const vrt_context& context) const
{
    stream& own = now.streams[channel_of(context.stream_id)];
    own.announced = true;
    own.sample_loss = own.sample_loss || context.sample_loss;
    if (context.sample_rate)
        own.rate = context.sample_rate;
    if (context.format)
        own.format = context.format;
    if (context.rf_freq || context.complete())
        own.freq = context.rf_freq;
}

void channel_aligner::add(state& now,
                          std::deque<aligned_samples>& ready,
                          const vrt_data& data,
                          const std::shared_ptr<const received_message>& message) const
{
    const size_t channel = channel_of(data.stream_id);
    stream& own = now.streams[channel];
    const unsigned missing =
        own.next_count ? (data.packet_count - *own.next_count) & 15u : 0;
    own.next_count = (data.packet_count + 1) & 15;
    if (!own.rate || !own.format) {
        now.without_context++;
        return;
    }
    const size_t sample_bytes = bytes_of_sample(*own.format);
    if (data.payload_bytes % sample_bytes != 0)
        throw vrt_refused("payload",
                          "a payload of " + std::to_string(data.payload_bytes) +
                              " bytes: whole samples of " + std::to_string(sample_bytes) +
                              " bytes are expected");
    aligned_samples& place =
        place_of(now, data, channel, data.payload_bytes / sample_bytes);
    if (place.rate == 0)
        place.rate = *own.rate;
    if (place.rate != *own.rate)
        throw vrt_refused("sample rate",
                          "channels of " + std::to_string(place.rate) + " and " +
                              std::to_string(*own.rate) + " Hz: one rate is expected");
    place.channels[channel] = { data.payload, *own.format, own.freq, message };
    place.announced |= std::exchange(own.announced, false);
    place.sample_loss |= std::exchange(own.sample_loss, false);
    if (channel == 0)
        place.packets_missing = missing;
    for (const auto& one : place.channels)
        if (!one.payload)
            return;
    // What came before it, and still lacks a channel, stays so.
    while (&now.waiting.front() != &place) {
        now.waiting.pop_front();
        now.incomplete++;
    }
    ready.push_back(std::move(now.waiting.front()));
    now.waiting.pop_front();
}

// Where this packet's samples belong, a new place if no other channel's came first.
aligned_samples& channel_aligner::place_of(state& now,
                                           const vrt_data& data,
                                           size_t channel,
                                           size_t samples) const
{
    for (aligned_samples& place : now.waiting) {
        // Without a stamp the packets are told apart by their count.
        const bool same = place.stamp == data.stamp && place.samples == samples &&
                          (!std::holds_alternative<std::monostate>(data.stamp) ||
                           place.packet_count == data.packet_count);
        if (same && !place.channels[channel].payload)
            return place;
    }
    if (now.waiting.size() == most_waiting) {
        now.waiting.pop_front();
        now.incomplete++;
    }
    aligned_samples place;
    place.stamp = data.stamp;
    place.samples = samples;
    place.packet_count = data.packet_count;
    place.channels.resize(d_channels);
    now.waiting.push_back(std::move(place));
    return now.waiting.back();
}

} // namespace gr::wfm
