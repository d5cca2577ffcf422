// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/segment_tracker.h"
#include "common/keys.h"
#include "common/tag_values.h"
#include <algorithm>
#include <cmath>
#include <utility>

namespace gr::wfm {

namespace {

// Two times nearer than this are one clock's, rounded.
constexpr double jump_samples = 1.5;

// No receiver loses an hour and goes on: a larger jump is a clock that was set.
constexpr double clock_set_seconds = 3600.0;

// A count that is larger moves no time: it is no count, and times are to stay numbers.
constexpr double longest_loss_seconds = 1e9;

} // namespace

segment_tracker::segment_tracker(size_t channels, double sample_rate, uint64_t first)
    : d_first(first), d_channels(channels)
{
    d_common.rate = sample_rate;
}

bool segment_tracker::follows(const pmt::pmt_t& key)
{
    for (const pmt::pmt_t& own :
         { keys::rx_time, keys::rx_freq, keys::rx_rate, keys::wfm_lost, keys::wfm_gap })
        if (pmt::eq(key, own))
            return true;
    return false;
}

void segment_tracker::note(size_t channel, const tag_t& tag)
{
    channel_state& state = d_channels[channel];
    if (pmt::eq(tag.key, keys::rx_freq)) {
        if (pmt::is_null(tag.value)) {
            state.freq.reset();
            d_news.freq_unknown = true;
        } else if (const auto freq = finite_number(tag.value)) {
            state.freq = freq;
        }
    } else if (pmt::eq(tag.key, keys::rx_rate)) {
        const auto rate = finite_number(tag.value);
        if (rate && *rate > 0) {
            // The samples before this one were at the old rate.
            if (state.time)
                state.time = state.time->at(tag.offset, rate_of(state));
            state.rate = rate;
            d_news.rate = true;
        }
    } else if (pmt::eq(tag.key, keys::rx_time)) {
        if (pmt::is_null(tag.value)) {
            state.time.reset();
            d_news.time = d_news.time_unknown = true;
        } else if (const auto time = time_anchor::of(tag)) {
            state.time = time;
            d_news.time = true;
        }
    } else if (const auto samples = whole_number(tag.value)) {
        auto& told = pmt::eq(tag.key, keys::wfm_lost) ? d_news.lost : d_news.gap;
        told = std::max(told.value_or(0), *samples);
    }
}

segment_tracker::change segment_tracker::commit(uint64_t offset)
{
    const news told = std::exchange(d_news, {});
    d_lost = d_lost_about = 0;
    d_clock_set = d_resumed = false;
    // Also while the channels disagree: what is lost meanwhile is lost.
    d_lost_told = offset == d_first ? 0 : told.lost.value_or(0);
    advance_times(offset, told.time ? 0 : d_lost_told);
    if (!channels_agree()) {
        const bool news = d_agreed;
        d_agreed = false;
        return news ? change::stop : change::none;
    }
    // At the very first sample tags tell what is; later, what has changed.
    const bool at_first = offset == d_first;
    const bool freq_changed = adopt(&channel_state::freq, at_first, told.freq_unknown);
    const bool time_changed = adopt_time(at_first, told.time_unknown);
    const bool rate_changed = adopt(&channel_state::rate, at_first, false);
    d_resumed = !at_first && resumes(told);
    if (!d_agreed) {
        d_agreed = true;
        return change::resume;
    }
    return freq_changed || rate_changed || time_changed || d_resumed ? change::split
                                                                     : change::none;
}

// Do the tags say that samples are missing here, beside what a jump of the time says? A
// count overrules the time.
bool segment_tracker::resumes(const news& told)
{
    if (told.lost)
        d_lost = *told.lost;
    if (told.gap) {
        d_lost_about = *told.gap;
        d_lost = told.lost.value_or(0);
    }
    // A radio without a clock repeats its rate where it goes on after an overflow
    // (gr-soapy).
    return told.lost || told.gap || (told.rate && !told.time);
}

double segment_tracker::rate_of(const channel_state& channel) const
{
    return channel.rate.value_or(*d_common.rate);
}

// All times are compared at one sample, each extrapolated at its own rate; over so many
// missing samples, too, where nothing but their number was told.
void segment_tracker::advance_times(uint64_t offset, uint64_t missing)
{
    for (channel_state& channel : d_channels) {
        if (!channel.time)
            continue;
        const double rate = rate_of(channel);
        const bool credible = missing / rate < longest_loss_seconds;
        channel.time = channel.time->at(offset + (credible ? missing : 0), rate);
        channel.time->offset = offset;
    }
    if (d_common.time)
        d_common.time = d_common.time->at(offset, *d_common.rate);
}

bool segment_tracker::channels_agree() const
{
    channel_state seen;
    for (const channel_state& channel : d_channels) {
        for (const auto kind : { &channel_state::freq, &channel_state::rate }) {
            if (channel.*kind && seen.*kind && channel.*kind != seen.*kind)
                return false;
            if (channel.*kind)
                seen.*kind = channel.*kind;
        }
        if (channel.time && seen.time &&
            std::abs(channel.time->since(*seen.time)) * rate_of(channel) > jump_samples)
            return false;
        if (channel.time && !seen.time)
            seen.time = channel.time;
    }
    return true;
}

bool segment_tracker::adopt(number channel_state::*kind, bool at_first, bool unknown)
{
    const number before = d_common.*kind;
    if (unknown)
        (d_common.*kind).reset();
    for (const channel_state& channel : d_channels) {
        if (!(channel.*kind))
            continue;
        d_common.*kind = channel.*kind;
        break;
    }
    return d_common.*kind != before && !at_first;
}

bool segment_tracker::adopt_time(bool at_first, bool unknown)
{
    const std::optional<time_anchor> before = d_common.time;
    if (unknown)
        d_common.time.reset();
    for (const channel_state& channel : d_channels) {
        if (!channel.time)
            continue;
        d_common.time = channel.time;
        if (!before)
            return !at_first;
        const double seconds = channel.time->since(*before);
        const double samples = seconds * rate_of(channel);
        d_clock_set = std::abs(seconds) > clock_set_seconds;
        if (samples > jump_samples && !d_clock_set)
            d_lost = static_cast<uint64_t>(std::llround(std::min(samples, 1e18)));
        return !at_first && !(std::abs(samples) <= jump_samples);
    }
    return before && !d_common.time && !at_first;
}

void segment_tracker::describe(window_info& info) const
{
    info.rx_rate = *d_common.rate;
    if (d_common.freq)
        info.rx_freq = *d_common.freq;
    if (d_common.time)
        d_common.time->at(info.start, *d_common.rate).state_in(info);
}

} // namespace gr::wfm
