// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_LINK_PARAMETERS_H
#define INCLUDED_WFM_LINK_PARAMETERS_H

#include "vrt/vrt_packet.h"
#include <string>

namespace gr {
namespace wfm {

//! \throws std::invalid_argument for a value out of its range
void check_range(const std::string& name, int value, int least, int most);
//! The parameters that both ends of a link have.
void check_link(int channels, int high_water_mark);
//! cf32 or ci16. \throws std::invalid_argument for another name
vrt_format format_named(const std::string& name);

} // namespace wfm
} // namespace gr

#endif
