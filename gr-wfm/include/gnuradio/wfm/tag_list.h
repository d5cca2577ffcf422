// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_TAG_LIST_H
#define INCLUDED_WFM_TAG_LIST_H

#include <pmt/pmt.h>
#include <utility>
#include <vector>

namespace gr::wfm {

//! (key, value) pairs that a result puts on the first sample of what it is about.
using tag_list = std::vector<std::pair<pmt::pmt_t, pmt::pmt_t>>;

} // namespace gr::wfm

#endif
