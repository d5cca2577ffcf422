// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "finding/fragment.h"

namespace gr::wfm::finding {

//! Leaves out what lies in a stronger one or, faint and while that is on, at its side;
//! images: and its sidebands.
std::vector<fragment> without_skirts(std::vector<fragment> parts,
                                     const layer_list& layers,
                                     bool images = true);

//! Whether as much power as a part has, within 4 dB, lies as far on the other side of
//! `middle` (Hz).
bool mirrored(const fragment& part, double middle, const layer& by);

//! Whether a faint part is what a strong one leaves beside its band; the band's ends are
//! beside each other.
bool is_beside(const fragment& part, const fragment& one, const layer_list& layers);

//! Whether the power never falls to the noise, nor to much less than it has in a part, from
//! there to a signal.
bool on_shoulder(const fragment& part, const fragment& one, const layer_list& layers);

} // namespace gr::wfm::finding
