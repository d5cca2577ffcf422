// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "band/candidates.h"
#include "band/floor.h"
#include "band/settings.h"

namespace gr::wfm::finding {

//! What one frame of a band shows: its layers, and boxes as each view has them.
class frame
{
public:
    frame(double sample_rate, const settings& settings);

    //! Samples of a whole one.
    size_t length() const { return d_length; }
    //! Samples that it needs before and after its own.
    size_t reach() const { return d_reach; }

    /*!
     * \brief Looks at the frame of `count` samples from `begin`, of `there`.
     *
     * Values that are not finite become zeros, and the mean of a frame that is long
     * enough is taken off, in place.
     */
    void look(gr_complex* samples, size_t there, size_t begin, size_t count);

    const std::array<layer, 3>& layers() const { return d_layers; }
    //! Those of them that have rows, finest bins last.
    std::vector<const layer*> usable() const;
    const std::vector<candidate>& candidates() const { return d_candidates; }
    //! Samples and Hz of a cell of a view.
    std::pair<double, double> cell(size_t view) const;

private:
    void clean(gr_complex* samples, size_t there, size_t begin, size_t count);
    bool measure();

    const double d_rate;
    const size_t d_length, d_reach;
    double d_power = 0;             //!< mean, of the frame
    std::vector<uint32_t> d_broken; //!< samples before each that are; empty: none is
    std::array<layer_rows, 3> d_rows;
    std::array<layer, 3> d_layers;
    std::vector<candidate_finder> d_views;
    std::vector<candidate> d_candidates;
};

} // namespace gr::wfm::finding
