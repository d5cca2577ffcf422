// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/tag_values.h"
#include <cmath>

namespace gr::wfm {

// pmt::is_number is also true of a uint64 and of a complex, at which pmt::to_double
// throws.
std::optional<double> finite_number(const pmt::pmt_t& value)
{
    double number;
    if (pmt::is_uint64(value))
        number = static_cast<double>(pmt::to_uint64(value));
    else if (pmt::is_integer(value) || pmt::is_real(value))
        number = pmt::to_double(value);
    else
        return {};
    return std::isfinite(number) ? std::optional<double>(number) : std::nullopt;
}

std::optional<uint64_t> whole_number(const pmt::pmt_t& value)
{
    if (pmt::is_uint64(value))
        return pmt::to_uint64(value);
    if (pmt::is_integer(value) && pmt::to_long(value) >= 0)
        return static_cast<uint64_t>(pmt::to_long(value));
    return {};
}

} // namespace gr::wfm
