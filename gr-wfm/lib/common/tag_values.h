// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_TAG_VALUES_H
#define INCLUDED_WFM_TAG_VALUES_H

#include <cstdint>
#include <optional>
#include <pmt/pmt.h>

namespace gr {
namespace wfm {

//! A finite real number of any type that a PMT has for one; none for anything else.
std::optional<double> finite_number(const pmt::pmt_t& value);

//! A whole number of at least 0; none for anything else.
std::optional<uint64_t> whole_number(const pmt::pmt_t& value);

//! What rx_time says.
struct tagged_time {
    //! Before 1970 they are negative, and count on in whole numbers modulo 2^64.
    uint64_t secs;
    double frac;
};

//! A tuple (whole seconds, rest of a second), as UHD has it; none for anything else.
std::optional<tagged_time> time_value(const pmt::pmt_t& value);

} // namespace wfm
} // namespace gr

#endif
