// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_KEYS_H
#define INCLUDED_WFM_KEYS_H

#include <pmt/pmt.h>

namespace gr {
namespace wfm {

/*!
 * Keys of stream tags. The first three are UHD's; PMT_NIL as the value of a time or a
 * frequency says that it is unknown from that sample on.
 */
namespace keys {
inline const pmt::pmt_t rx_time = pmt::intern("rx_time");
inline const pmt::pmt_t rx_rate = pmt::intern("rx_rate");
inline const pmt::pmt_t rx_freq = pmt::intern("rx_freq");
//! Samples missing in front of this one, exactly.
inline const pmt::pmt_t wfm_lost = pmt::intern("wfm_lost");
//! About as many are missing; 0: nobody knows how many.
inline const pmt::pmt_t wfm_gap = pmt::intern("wfm_gap");
//! In a result's dict: it came after its window had gone out.
inline const pmt::pmt_t late = pmt::intern("late");
} // namespace keys

} // namespace wfm
} // namespace gr

#endif
