// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "band/settings.h"
#include "finding/fragment.h"
#include <tuple>

namespace gr::wfm::finding {

//! Signals over frames: what a frame's parts continue, and when a signal has ended.
class tracks
{
public:
    tracks(double rate, const settings& settings) : d_rate(rate), d_settings(settings) {}

    //! Takes a frame's parts, counted in the stream, as is `stop`, the frame's end. Adds
    //! what has ended to `found`.
    void frame(std::vector<fragment> parts, double stop, std::vector<found_box>& found);
    //! All that is on ends.
    void finish(std::vector<found_box>& found);

private:
    struct track : fragment {
        explicit track(const fragment& part) : fragment(part), seen(part.length()) {}

        bool takes(const fragment& part, double rate) const;
        //! Whether it is part of a stronger one, that a frame showed in pieces.
        bool within(const track& other) const;
        void add(const fragment& part, double rate);
        void add_power(const fragment& part);
        band by_power(double rate) const;

        double seen;      //!< samples of all its parts
        bool cut = false; //!< max_duration ended it
    };

    //! Of the open ones from `ended` on, those that are no part of another; that is given
    //! its parts' power.
    std::vector<track*> whole(size_t ended);
    void say(size_t ended, std::vector<found_box>& found);

    const double d_rate;
    const settings d_settings;
    std::vector<track> d_open;
};

} // namespace gr::wfm::finding
