// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/segment_tracker.h"
#include <cstdint>
#include <gnuradio/wfm/sample_player.h>
#include <map>
#include <optional>
#include <vector>

namespace gr::wfm {

/*!
 * \brief Time and frequency of the played samples, as far as they are known.
 *
 * Played samples count on when the file is repeated, and so does time where all
 * of it is known; else the repetitions' time is unknown.
 */
class recording_clock
{
public:
    //! Segments and missing in the file's sample numbers; count samples from start
    //! are played.
    recording_clock(const std::vector<segment_tuple>& segments,
                    std::vector<missing_tuple> missing,
                    double sample_rate,
                    uint64_t start,
                    uint64_t count);

    //! The file's sample for a played one.
    uint64_t in_file(uint64_t played) const { return d_start + played % d_count; }
    //! Played samples from this one to the next segment, or to the file's end.
    uint64_t until_next_segment(uint64_t played) const;
    //! Does a segment start at this played sample? The first one counts as such.
    bool segment_starts(uint64_t played) const;
    //! Samples that the recording lacks in front of any of the played ones from first
    //! to last, where it says so.
    std::optional<uint64_t> missing(uint64_t first, uint64_t last) const;
    //! Hz, or NaN.
    double center_freq(uint64_t played) const;
    std::optional<time_anchor> time(uint64_t played) const;

private:
    struct segment {
        double freq;
        std::optional<time_anchor> time;
    };

    using segment_map = std::map<uint64_t, segment>; //!< by their first samples

    segment_map::const_iterator segment_of(uint64_t sample) const;
    std::optional<time_anchor> file_time(uint64_t sample) const;
    std::optional<double> span() const;

    const double d_rate;
    const uint64_t d_start;
    const uint64_t d_count;
    segment_map d_segments;               //!< the first one from sample 0 on
    std::vector<missing_tuple> d_missing; //!< sorted
    //! Seconds from the first sample to the end of the last one, if all times are known.
    std::optional<double> d_span;
};

} // namespace gr::wfm
