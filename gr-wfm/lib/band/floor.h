// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "band/layers.h"

namespace gr::wfm::finding {

//! The mean power of each bin while it is quiet, of the good rows; none where no good row
//! has any power.
values quiet_level(const layer_rows& rows);

//! The level (of so many rows) without what is narrower than `width` bins.
values local_floor(const values& level, size_t rows, size_t width);

//! The first floor, and where others see less, that; all on the first one's bins.
values common_floor(const std::vector<values>& floors);

//! A floor on `size` bins over the same band.
values spread(const values& floor, size_t size);

//! A floor and what a Hann window lets its bins see of those beside them (a quarter of
//! their power); the band's ends are beside each other.
values leaked(const values& floor);

} // namespace gr::wfm::finding
