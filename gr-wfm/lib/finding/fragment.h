// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "finding/profiles.h"
#include <optional>

namespace gr::wfm::finding {

/*!
 * \brief A signal's part in one frame, of which the edges are refined.
 *
 * power: of the signal in each bin of the finest grid from bin `first` on, summed over
 * time (mean power times samples); noise: power there (mean).
 */
struct fragment {
    box edges;
    size_t first;
    values power, noise;
    double on;   //!< samples in which it is on
    double grid; //!< Hz of a bin

    double length() const { return edges.stop - edges.start; }
    double width() const { return edges.high - edges.low; }
    double energy() const;
    //! Mean power while on; and over the noise between the edges.
    double level() const;
    double ratio() const;
};

//! Hz within which a box may grow: as far as half the way to what is on at the same time.
band room_of(const box& in, const std::vector<box>& others, double rate);

//! A box with its edges refined: 99 % of the power over the noise. room: Hz beyond which
//! others are, up to which faint skirts are taken in; without it none are.
std::optional<fragment> refined(const box& in,
                                const layer_list& layers,
                                const std::optional<band>& room = {});

//! Places in units of `width`, between which all but `left_out` of the power at each side
//! lies.
std::pair<double, double>
quantile_edges(const profile& power, double width, double left_out = 0.005);

} // namespace gr::wfm::finding
