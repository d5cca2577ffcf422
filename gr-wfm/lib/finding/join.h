// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "finding/fragment.h"

namespace gr::wfm::finding {

//! Leaves out lines that are there only while shorter, wider boxes over them are.
std::vector<candidate> without_echoes(const std::vector<candidate>& boxes,
                                      const layer_list& layers);

//! Those that are one signal's are one: carriers with sidebands, then tones in turn, then
//! copies.
std::vector<fragment> joined(std::vector<fragment> parts, const layer_list& layers);

} // namespace gr::wfm::finding
