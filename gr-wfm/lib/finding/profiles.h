// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "band/candidates.h"

namespace gr::wfm::finding {

using profile = std::vector<double>;
//! Those of a frame that have rows, finest bins last.
using layer_list = std::vector<const layer*>;
using band = std::pair<double, double>; //!< Hz from the middle

//! Means of ratio - 1 from some row, or bin, of a layer on.
struct seen {
    const layer* by;
    size_t first;
    profile mean;
    double deviation; //!< that noise has
};

const layer& layer_for_band(const layer_list& layers, double duration, size_t rows);
const layer& layer_for_time(const layer_list& layers, double bandwidth);
//! The first that shows apart what is so many Hz apart.
const layer& layer_apart(const layer_list& layers, double away);
//! Over the box's band, for its rows; over its rows, for its bins.
seen profile_in_time(const layer_list& layers, const box& in);
seen profile_in_band(const layer_list& layers, const box& in, size_t least = 3);

//! How much two parts of a band take turns, or come and go together.
double likeness(double start,
                double stop,
                const band& one,
                const band& other,
                const layer_list& layers);

//! Of bins a to before b of the rows of a layer.
profile mean_over_bins(const layer& by, size_t row, size_t rows_end, size_t a, size_t b);
profile mean_over_rows(const layer& by, size_t row, size_t rows_end, size_t a, size_t b);
double mean_of(const profile& of, size_t first, size_t last);
double greatest_of(const profile& of, size_t first, size_t last);

} // namespace gr::wfm::finding
