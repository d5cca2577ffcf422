// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <pmt/pmt.h>

namespace gr::wfm {

/*!
 * Keys of stream tags and of the dicts in messages, and the names of message ports:
 * interned once, when the library is loaded.
 */
namespace keys {
// Stream tags. The first three are UHD's; PMT_NIL as the value of a time or a frequency
// says that it is unknown from that sample on.
inline const pmt::pmt_t rx_time = pmt::intern("rx_time");
inline const pmt::pmt_t rx_rate = pmt::intern("rx_rate");
inline const pmt::pmt_t rx_freq = pmt::intern("rx_freq");
//! Samples missing in front of this one, exactly.
inline const pmt::pmt_t wfm_lost = pmt::intern("wfm_lost");
//! About as many are missing; 0: nobody knows how many.
inline const pmt::pmt_t wfm_gap = pmt::intern("wfm_gap");
//! In a result's dict: it came after its window had gone out.
inline const pmt::pmt_t late = pmt::intern("late");

// Message ports.
inline const pmt::pmt_t control = pmt::intern("control");
inline const pmt::pmt_t trigger = pmt::intern("trigger");
inline const pmt::pmt_t events = pmt::intern("events");
inline const pmt::pmt_t status = pmt::intern("status");

// Orders to a recorder, on control.
inline const pmt::pmt_t start = pmt::intern("start");
inline const pmt::pmt_t stop = pmt::intern("stop");
inline const pmt::pmt_t label = pmt::intern("label"); // of an event, too
inline const pmt::pmt_t annotate = pmt::intern("annotate");

// What a recorder says, and what an event tracker says to it.
inline const pmt::pmt_t event = pmt::intern("event");
inline const pmt::pmt_t text = pmt::intern("text");
inline const pmt::pmt_t path = pmt::intern("path");
inline const pmt::pmt_t sample_start = pmt::intern("sample_start");
inline const pmt::pmt_t sample_count = pmt::intern("sample_count");
inline const pmt::pmt_t recording = pmt::intern("recording");
inline const pmt::pmt_t error = pmt::intern("error");

// What a signal finder says of a signal, beside where it is; and its port, and its tag.
inline const pmt::pmt_t signals = pmt::intern("signals");
inline const pmt::pmt_t signal = pmt::intern("signal");
inline const pmt::pmt_t freq_lower_edge = pmt::intern("freq_lower_edge");
inline const pmt::pmt_t freq_upper_edge = pmt::intern("freq_upper_edge");
inline const pmt::pmt_t snr_db = pmt::intern("snr_db");
inline const pmt::pmt_t level_dbfs = pmt::intern("level_dbfs");
inline const pmt::pmt_t cut = pmt::intern("cut");
inline const pmt::pmt_t sample_rate = pmt::intern("sample_rate");
} // namespace keys

} // namespace gr::wfm
