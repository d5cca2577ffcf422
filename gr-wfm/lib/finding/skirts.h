// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "finding/fragment.h"

namespace gr::wfm::finding {

//! Leaves out what lies in a stronger one or, faint and while that is on, at its side.
std::vector<fragment> without_skirts(std::vector<fragment> parts,
                                     const layer_list& layers);

//! Whether a faint part is what a strong one leaves beside its band; the band's ends are
//! beside each other.
bool is_beside(const fragment& part, const fragment& one, const layer_list& layers);

} // namespace gr::wfm::finding
