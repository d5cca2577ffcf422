// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_SEGMENT_TRACKER_H
#define INCLUDED_WFM_SEGMENT_TRACKER_H

#include <cstdint>
#include <gnuradio/tags.h>
#include <gnuradio/wfm/window_batch.h>
#include <optional>
#include <vector>

namespace gr {
namespace wfm {

//! A time as UHD gives it, and the sample it belongs to.
struct time_anchor {
    uint64_t offset;
    uint64_t secs;
    double frac;

    //! The time of another sample, at this rate in samples/s.
    time_anchor at(uint64_t other, double rate) const;
    //! Seconds from the other time to this one.
    double since(const time_anchor& other) const;
};

/*!
 * \brief Follows rx_freq, rx_rate and rx_time of all channels and says where
 * the stream is no longer one piece.
 *
 * A channel that never had a tag of a kind has no say in it, nor one whose last
 * tag of it was PMT_NIL: its value is unknown. wfm_lost is a break, and says
 * exactly how many samples are missing in front of its own.
 */
class segment_tracker
{
public:
    enum class change {
        none,
        split, //!< retune, new rate or time jump: the next piece starts here
        stop,  //!< the channels' tags disagree from here on
        resume //!< they agree again from here on
    };

    //! first: index of the stream's first sample, where tags only set.
    segment_tracker(size_t channels, double sample_rate, uint64_t first);

    //! Is this key one of those followed?
    static bool follows(const pmt::pmt_t& key);

    //! Note one tag; all tags of one offset are noted before commit(offset).
    void note(size_t channel, const tag_t& tag);
    change commit(uint64_t offset);

    //! Samples that the time jump of the last commit stands for.
    uint64_t lost() const { return d_lost; }
    //! Fill in time, frequency and rate of a window that starts at info.start.
    void describe(window_info& info) const;

private:
    struct channel_state {
        std::optional<double> freq;
        std::optional<double> rate;
        std::optional<time_anchor> time;
    };

    double rate_of(const channel_state& channel) const;
    void advance_times(uint64_t offset);
    bool channels_agree() const;
    bool adopt_freq(bool at_first);
    bool adopt_rate(bool at_first);
    bool adopt_time(bool at_first);

    const uint64_t d_first;
    std::vector<channel_state> d_channels;
    channel_state d_common; //!< what all agree on; its rate is always known
    bool d_agreed = true;
    uint64_t d_lost = 0;
    std::optional<uint64_t> d_stated_lost; //!< by a wfm_lost tag of this offset
};

} // namespace wfm
} // namespace gr

#endif
