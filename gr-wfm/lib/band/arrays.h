// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <vector>

namespace gr::wfm::finding {

using values = std::vector<float>;

//! What lies beyond an array's ends, as scipy.ndimage has it.
enum class beyond {
    reflect, //!< d c b a | a b c d | d c b a
    nearest  //!< a a a a | a b c d | d d d d
};

//! Means of `size` values, of which size / 2 are before each place.
template <typename number>
std::vector<number>
uniform_filter(const std::vector<number>& in, size_t size, beyond ends);
//! The least and the greatest of `size` values, an odd number.
values minimum_filter(const values& in, size_t size);
values maximum_filter(const values& in, size_t size);

//! As numpy.quantile, by straight lines between the sorted values.
double quantile(std::vector<double> of, double share);

//! As numpy.interp of values at 0, 1, ...: straight lines, the last value beyond.
float interpolated(const values& of, double at);

} // namespace gr::wfm::finding
