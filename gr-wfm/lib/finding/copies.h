// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "finding/fragment.h"

namespace gr::wfm::finding {

//! Places of the parts, those together that carry the same thing, as carriers of one
//! transmitter's sound do, a few kHz apart.
std::vector<std::vector<size_t>> copies_of(const std::vector<fragment>& parts,
                                           const layer_list& layers);

} // namespace gr::wfm::finding
