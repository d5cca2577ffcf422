// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_RENAME_BOTH_H
#define INCLUDED_WFM_RENAME_BOTH_H

#include <string>

namespace gr {
namespace wfm {

/*!
 * \brief Rename both files or none, also when this process is killed meanwhile.
 *
 * A process of its own does it, which a SIGKILL for this one does not reach.
 * \returns 0, or errno of the rename that failed
 */
int rename_both(const std::string& first,
                const std::string& to_first,
                const std::string& second,
                const std::string& to_second);

} // namespace wfm
} // namespace gr

#endif
