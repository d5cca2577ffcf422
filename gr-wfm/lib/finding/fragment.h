// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "finding/profiles.h"
#include <algorithm>

namespace gr::wfm::finding {

/*!
 * \brief A signal's part in one frame, of which the edges are refined.
 *
 * power: of the signal in each bin of the finest grid from bin `first` on, summed over
 * time (mean power times samples); noise: power there (mean).
 */
struct fragment {
    box edges;
    long first;
    values power, noise;
    double on;     //!< samples in which it is on
    double grid;   //!< Hz of a bin
    double energy; //!< sum of power

    double length() const { return edges.stop - edges.start; }
    double width() const { return edges.high - edges.low; }
    //! To be called when power has changed.
    void sum_up();
    //! Mean power while on; and over the noise between the edges.
    double level() const;
    double ratio() const;
};

//! What the stretches a..b and c..d share; below 0 where they are apart.
inline double overlap(double a, double b, double c, double d)
{
    return std::min(b, d) - std::max(a, c);
}

//! Boxes with their edges refined: 99 % of the power over the noise. finest: bins of the
//! grid, which need not be a layer's that the frame has. skirts: whether to take in what is
//! too faint to be seen in single bins. Those of no length are left out.
std::vector<fragment> refined(const std::vector<box>& boxes,
                              const layer_list& layers,
                              size_t finest,
                              bool skirts);

//! Places in units of `width`, between which all but `left_out` of the power at each side
//! lies.
std::pair<double, double>
quantile_edges(const profile& power, double width, double left_out = 0.005);

} // namespace gr::wfm::finding
