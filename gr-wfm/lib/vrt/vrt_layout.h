// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

/*!
 * Bits and codes of VITA 49.2 packets, and which of them DIFI has.
 */
namespace gr::wfm::vrt {

constexpr uint32_t type_data = 1; // signal data with a stream id
constexpr uint32_t type_context = 4;
constexpr uint32_t type_extension_context = 5;
constexpr uint32_t class_included = 1u << 27;
constexpr uint32_t trailer_included = 1u << 26; // in data packets
constexpr uint32_t spectrum = 1u << 24;         // in data packets
constexpr uint32_t coarse_stamps = 1u << 24;    // in context packets
constexpr uint32_t tsi_utc = 1, tsf_sample_count = 1, tsf_picoseconds = 2, tsf_free = 3;

constexpr uint32_t difi_oui = 0x6A621E;
constexpr uint32_t difi_data_class = 0, difi_context_class = 1;

// Fields of a context packet, by their bits in CIF 0.
constexpr uint32_t has_change = 1u << 31;
constexpr uint32_t has_reference_point = 1u << 30;
constexpr uint32_t has_bandwidth = 1u << 29;
constexpr uint32_t has_if_freq = 1u << 28;
constexpr uint32_t has_rf_freq = 1u << 27;
constexpr uint32_t has_rf_offset = 1u << 26;
constexpr uint32_t has_if_offset = 1u << 25;
constexpr uint32_t has_reference_level = 1u << 24;
constexpr uint32_t has_gain = 1u << 23;
constexpr uint32_t has_sample_rate = 1u << 21;
constexpr uint32_t has_time_adjustment = 1u << 20;
constexpr uint32_t has_time_calibration = 1u << 19;
constexpr uint32_t has_state = 1u << 16;
constexpr uint32_t has_format = 1u << 15;
constexpr uint32_t has_attributes = 1u << 7; // CIF 7
constexpr uint32_t has_more_cifs = 0xe;      // CIF 3, 2, 1
constexpr uint32_t variable_fields = 0x300;  // GPS ASCII, association lists
constexpr uint32_t reserved_fields = 0x71;
// What DIFI has in each context packet, besides the RF frequency.
constexpr uint32_t difi_fields = has_reference_point | has_bandwidth | has_if_freq |
                                 has_if_offset | has_reference_level | has_gain |
                                 has_sample_rate | has_time_adjustment |
                                 has_time_calibration | has_state | has_format;
constexpr uint32_t difi_reference_point = 75;      // the analogue port of the RF converter
constexpr uint32_t sample_loss_enabled = 1u << 24; // of the state and event indicators
constexpr uint32_t sample_loss_indicated = 1u << 12;

// Payload formats: link-efficient, complex Cartesian; item format, sizes less one.
constexpr uint32_t format_ci16 = 0xA00003CF;
constexpr uint32_t format_cf32 = 0xAE0007DF;

constexpr double hertz = 1 << 20; // frequencies have 20 bits of fraction

} // namespace gr::wfm::vrt
