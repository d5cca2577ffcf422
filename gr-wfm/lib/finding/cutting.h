// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "finding/profiles.h"

namespace gr::wfm::finding {

constexpr double least_gap = 5e-3, most_gap = 0.8;

//! Seconds of silence within one signal of so many Hz.
double gap_for(double bandwidth);

//! Boxes, each of one signal: `in` cut in frequency and in time as long as that goes.
std::vector<box> signals_in(const box& in, const layer_list& layers, int depth = 0);

} // namespace gr::wfm::finding
