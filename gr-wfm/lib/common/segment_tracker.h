// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/time_anchor.h"
#include <cstdint>
#include <gnuradio/tags.h>
#include <optional>
#include <vector>

namespace gr::wfm {

/*!
 * \brief Follows rx_freq, rx_rate and rx_time of all channels and says where
 * the stream is no longer one piece.
 *
 * A channel that never had a tag of a kind has no say in it. An rx_time or
 * rx_freq that is PMT_NIL says that it is unknown from there on. wfm_lost says
 * how many samples are missing in front of its own, wfm_gap about how many; and
 * an rx_rate without an rx_time that some are, however many.
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

    //! Samples that are missing in front of the last commit's, where that is known.
    uint64_t lost() const { return d_lost; }
    //! Those of them that wfm_lost told.
    uint64_t lost_told() const { return d_lost_told; }
    //! About how many are, by the host's clock.
    uint64_t lost_about() const { return d_lost_about; }
    //! The last commit goes on after a loss of which no clock told the length.
    bool resumed() const { return d_resumed; }
    //! The last commit's time is so far from the one before that the clock was set.
    bool clock_set() const { return d_clock_set; }
    //! Fill in time, frequency and rate of a window that starts at info.start.
    void describe(window_info& info) const;

private:
    using number = std::optional<double>;

    struct channel_state {
        number freq;
        number rate;
        std::optional<time_anchor> time;
    };

    //! What the tags of the sample to commit said, beside the channels' states.
    struct news {
        bool rate = false;
        bool time = false;
        bool freq_unknown = false;
        bool time_unknown = false;
        std::optional<uint64_t> lost;
        std::optional<uint64_t> gap;
    };

    double rate_of(const channel_state& channel) const;
    void advance_times(uint64_t offset, uint64_t missing);
    bool channels_agree() const;
    bool adopt(number channel_state::*kind, bool at_first, bool unknown);
    bool adopt_time(bool at_first, bool unknown);
    bool resumes(const news& told);

    const uint64_t d_first;
    std::vector<channel_state> d_channels;
    channel_state d_common; //!< what all agree on; its rate is always known
    bool d_agreed = true;
    news d_news;
    uint64_t d_lost = 0;
    uint64_t d_lost_told = 0;
    uint64_t d_lost_about = 0;
    bool d_resumed = false;
    bool d_clock_set = false;
};

} // namespace gr::wfm
