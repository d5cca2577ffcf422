// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>

namespace gr::wfm::finding {

//! A layer, with `group` bins of it averaged to one, and means of `rows` rows and `bins`
//! such bins compared.
struct view {
    size_t layer, group, rows, bins;

    //! Mean of exponentials that such a mean varies like.
    double freedom() const;
};

constexpr view views[] = {
    { 0, 1, 2, 2 }, { 1, 1, 3, 3 }, { 2, 8, 3, 3 }, { 2, 1, 3, 3 }
};
constexpr size_t view_count = sizeof(views) / sizeof(views[0]);

//! Ratios to the floor: what a box must have somewhere, and what belongs to it.
struct limits {
    float high, low;
};
limits thresholds(const view& by, double cells_per_second, double false_alarms);

} // namespace gr::wfm::finding
