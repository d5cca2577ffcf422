// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <gnuradio/wfm/api.h>
#include <string>

namespace gr::wfm {

/*!
 * \brief Keep a USRP that fails from ending the process.
 *
 * Where a USRP is gone, gr-uhd's work() throws, and so does its stop(), which
 * GNU Radio 3.10 calls from a destructor: that ends in std::terminate(), and with
 * it the recordings and sinks of the whole flowgraph. From this call on, a thread
 * of a USRP source that comes there is parked, and why is kept.
 */
WFM_API void outlive_radio_failures();

//! What the last failure of such a thread was; empty without one.
WFM_API std::string radio_failure();

} // namespace gr::wfm
