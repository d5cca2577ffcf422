// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace gr::wfm {

/*!
 * \brief Comparators (i, j), i < j, after which the lesser value is at i.
 *
 * Batcher's odd-even merge sort (Knuth, The Art of Computer Programming, vol. 3, section
 * 5.3.4): the order of comparisons does not depend on the values, so that many lists are
 * sorted at once, one in each lane of a vector.
 */
using sorting_network = std::vector<std::pair<size_t, size_t>>;

//! Sorts `count` values, a power of two, beginning with `first`.
void append_sort(sorting_network& network, size_t first, size_t count);
//! Merges two sorted halves of `count` values, a power of two, beginning with `first`.
void append_merge(sorting_network& network, size_t first, size_t count);
//! Sorts `count` values that rise and then fall, or fall and then rise.
void append_bitonic_merge(sorting_network& network, size_t first, size_t count);

//! All comparators on rows of 32 * `groups` lanes; value i is the row at values + i.
void sort_lanes(const sorting_network& network, float* values, size_t groups);
constexpr size_t lanes_of_group = 32;

} // namespace gr::wfm
