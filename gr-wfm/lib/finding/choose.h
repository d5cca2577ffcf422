// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "band/candidates.h"
#include <functional>

namespace gr::wfm::finding {

/*!
 * \brief The boxes that explain the frame best, none of which shows what another does.
 *
 * \param cells samples and Hz of a cell of each view, by which boxes are blurred
 * \param cut gives a candidate's signals, at least one
 */
std::vector<candidate>
choose(std::vector<candidate> found,
       const std::vector<std::pair<double, double>>& cells,
       const std::function<std::vector<candidate>(const candidate&)>& cut);

} // namespace gr::wfm::finding
