// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "band/filled.h"
#include "band/frame.h"
#include "finding/tracks.h"
#include "finding/wide.h"

namespace gr::wfm::finding {

/*!
 * \brief Finds the signals of a stream: wfm_core.signal.finding.SignalFinder, with its
 * answers.
 *
 * What is found does not depend on how the stream is cut into pushes.
 */
class band_finder
{
public:
    band_finder(double sample_rate, const settings& settings);

    double rate() const { return d_rate; }
    //! Samples from one's begin to its report, at most.
    static double memory(double sample_rate, const settings& settings);

    //! Adds the signals that have ended since to `found`.
    void push(const gr_complex* samples, size_t n, std::vector<found_box>& found);
    //! Ends the stream: what is still on ends with it. The next begins at sample 0.
    void finish(std::vector<found_box>& found);
    //! Between two streams: the next is of another band, with another floor.
    void forget() { d_wide.forget(); }
    //! The samples before this one were looked at.
    uint64_t looked() const { return d_begin; }
    //! The samples after those that are needed to look at more.
    size_t ahead() const { return d_frame.length() + d_frame.reach(); }

private:
    void look(size_t count, std::vector<found_box>& found);
    std::vector<fragment> parts_of(size_t count);

    const double d_rate;
    const settings d_settings;
    frame d_frame;
    tracks d_tracks;
    wide_band d_wide;
    filled_band d_filled;
    std::vector<gr_complex> d_held, d_clean;
    uint64_t d_origin = 0; //!< of the held samples
    uint64_t d_begin = 0;  //!< of the frame that comes next
};

} // namespace gr::wfm::finding
