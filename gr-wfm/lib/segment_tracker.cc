// SPDX-License-Identifier: GPL-3.0-or-later
#include "segment_tracker.h"
#include <cmath>
#include <utility>

namespace gr {
namespace wfm {

namespace {

// Two times nearer than this are one clock's, rounded.
constexpr double jump_samples = 1.5;

const pmt::pmt_t& freq_key()
{
    static const pmt::pmt_t key = pmt::intern("rx_freq");
    return key;
}

const pmt::pmt_t& rate_key()
{
    static const pmt::pmt_t key = pmt::intern("rx_rate");
    return key;
}

const pmt::pmt_t& time_key()
{
    static const pmt::pmt_t key = pmt::intern("rx_time");
    return key;
}

const pmt::pmt_t& lost_key()
{
    static const pmt::pmt_t key = pmt::intern("wfm_lost");
    return key;
}

std::optional<double> number(const pmt::pmt_t& value)
{
    if (!pmt::is_number(value) || pmt::is_complex(value))
        return {};
    const double number = pmt::to_double(value);
    return std::isfinite(number) ? std::optional<double>(number) : std::nullopt;
}

// rx_time is a tuple (whole seconds, fraction of a second).
std::optional<time_anchor> anchor(const tag_t& tag)
{
    if (!pmt::is_tuple(tag.value) || pmt::length(tag.value) < 2)
        return {};
    const pmt::pmt_t secs = pmt::tuple_ref(tag.value, 0);
    const std::optional<double> frac = number(pmt::tuple_ref(tag.value, 1));
    if (!(pmt::is_uint64(secs) || pmt::is_integer(secs)) || !frac)
        return {};
    // Before 1970 they are negative, and count on in whole numbers modulo 2^64.
    const uint64_t whole = pmt::is_uint64(secs)
                               ? pmt::to_uint64(secs)
                               : static_cast<uint64_t>(pmt::to_long(secs));
    return time_anchor{ tag.offset, whole, *frac };
}

} // namespace

time_anchor time_anchor::at(uint64_t other, double rate) const
{
    const double seconds =
        frac + static_cast<double>(static_cast<int64_t>(other - offset)) / rate;
    const double whole = std::floor(seconds);
    return { other, secs + static_cast<int64_t>(whole), seconds - whole };
}

double time_anchor::since(const time_anchor& other) const
{
    return static_cast<double>(static_cast<int64_t>(secs - other.secs)) +
           (frac - other.frac);
}

segment_tracker::segment_tracker(size_t channels, double sample_rate, uint64_t first)
    : d_first(first), d_channels(channels)
{
    d_common.rate = sample_rate;
}

bool segment_tracker::follows(const pmt::pmt_t& key)
{
    return pmt::eq(key, time_key()) || pmt::eq(key, freq_key()) ||
           pmt::eq(key, rate_key()) || pmt::eq(key, lost_key());
}

void segment_tracker::note(size_t channel, const tag_t& tag)
{
    channel_state& state = d_channels[channel];
    if (pmt::eq(tag.key, freq_key())) {
        if (pmt::is_null(tag.value))
            state.freq.reset();
        else if (const auto freq = number(tag.value))
            state.freq = freq;
    } else if (pmt::eq(tag.key, rate_key())) {
        const auto rate = number(tag.value);
        if (rate && *rate > 0) {
            // The samples before this one were at the old rate.
            if (state.time)
                state.time = state.time->at(tag.offset, rate_of(state));
            state.rate = rate;
        }
    } else if (pmt::eq(tag.key, time_key())) {
        if (pmt::is_null(tag.value))
            state.time.reset();
        else if (const auto time = anchor(tag))
            state.time = time;
    } else if (pmt::eq(tag.key, lost_key()) && pmt::is_uint64(tag.value)) {
        d_stated_lost = pmt::to_uint64(tag.value);
    }
}

segment_tracker::change segment_tracker::commit(uint64_t offset)
{
    d_lost = 0;
    const std::optional<uint64_t> stated = std::exchange(d_stated_lost, {});
    advance_times(offset);
    if (!channels_agree()) {
        const bool news = d_agreed;
        d_agreed = false;
        return news ? change::stop : change::none;
    }
    // At the very first sample tags tell what is; later, what has changed.
    const bool at_first = offset == d_first;
    const bool freq_changed = adopt_freq(at_first);
    const bool time_changed = adopt_time(at_first);
    const bool rate_changed = adopt_rate(at_first);
    const bool gap = stated && !at_first;
    d_lost = stated.value_or(d_lost);
    if (!d_agreed) {
        d_agreed = true;
        return change::resume;
    }
    return freq_changed || rate_changed || time_changed || gap ? change::split
                                                               : change::none;
}

double segment_tracker::rate_of(const channel_state& channel) const
{
    return channel.rate.value_or(*d_common.rate);
}

// All times are compared at one sample, each extrapolated at its own rate.
void segment_tracker::advance_times(uint64_t offset)
{
    for (channel_state& channel : d_channels)
        if (channel.time)
            channel.time = channel.time->at(offset, rate_of(channel));
    if (d_common.time)
        d_common.time = d_common.time->at(offset, *d_common.rate);
}

bool segment_tracker::channels_agree() const
{
    channel_state seen;
    for (const channel_state& channel : d_channels) {
        if (channel.freq && seen.freq && *channel.freq != *seen.freq)
            return false;
        if (channel.rate && seen.rate && *channel.rate != *seen.rate)
            return false;
        if (channel.time && seen.time &&
            std::abs(channel.time->since(*seen.time)) * rate_of(channel) > jump_samples)
            return false;
        if (channel.freq)
            seen.freq = channel.freq;
        if (channel.rate)
            seen.rate = channel.rate;
        if (channel.time && !seen.time)
            seen.time = channel.time;
    }
    return true;
}

bool segment_tracker::adopt_freq(bool at_first)
{
    for (const channel_state& channel : d_channels) {
        if (!channel.freq)
            continue;
        const bool differs = !d_common.freq || *d_common.freq != *channel.freq;
        d_common.freq = channel.freq;
        return differs && !at_first;
    }
    return std::exchange(d_common.freq, {}).has_value() && !at_first;
}

bool segment_tracker::adopt_rate(bool at_first)
{
    for (const channel_state& channel : d_channels) {
        if (!channel.rate)
            continue;
        const bool differs = *d_common.rate != *channel.rate;
        d_common.rate = channel.rate;
        return differs && !at_first;
    }
    return false;
}

bool segment_tracker::adopt_time(bool at_first)
{
    for (const channel_state& channel : d_channels) {
        if (!channel.time)
            continue;
        const bool known = d_common.time.has_value();
        const double samples =
            known ? channel.time->since(*d_common.time) * rate_of(channel) : 0.0;
        d_common.time = channel.time;
        if (samples > jump_samples)
            d_lost = static_cast<uint64_t>(std::llround(samples));
        return !at_first && (!known || std::abs(samples) > jump_samples);
    }
    return std::exchange(d_common.time, {}).has_value() && !at_first;
}

void segment_tracker::describe(window_info& info) const
{
    info.rx_rate = *d_common.rate;
    if (d_common.freq)
        info.rx_freq = *d_common.freq;
    if (d_common.time) {
        const time_anchor time = d_common.time->at(info.start, *d_common.rate);
        info.has_rx_time = true;
        info.rx_time_secs = time.secs;
        info.rx_time_frac = time.frac;
    }
}

} // namespace wfm
} // namespace gr
