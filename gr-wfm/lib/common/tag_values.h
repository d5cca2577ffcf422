// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <pmt/pmt.h>

namespace gr::wfm {

//! A finite real number of any type that a PMT has for one; none for anything else.
std::optional<double> finite_number(const pmt::pmt_t& value);

//! A whole number of at least 0; none for anything else.
std::optional<uint64_t> whole_number(const pmt::pmt_t& value);

//! A known number, or PMT_NIL.
inline pmt::pmt_t value_or_nil(const std::optional<double>& number)
{
    return number ? pmt::from_double(*number) : pmt::PMT_NIL;
}

} // namespace gr::wfm
