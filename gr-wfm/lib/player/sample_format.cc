// SPDX-License-Identifier: GPL-3.0-or-later
#include "player/sample_format.h"
#include <boost/endian/conversion.hpp>
#include <cstdint>
#include <limits>
#include <regex>
#include <stdexcept>
#include <type_traits>

namespace gr::wfm {

namespace {

using boost::endian::order;

template <typename T, order Order>
float read_part(const unsigned char* from)
{
    const T value = boost::endian::endian_load<T, sizeof(T), Order>(from);
    if constexpr (std::is_floating_point_v<T>) {
        return static_cast<float>(value);
    } else if constexpr (std::is_signed_v<T>) {
        // Full scale is a power of two: exact in a float.
        constexpr float scale = 1.0f / (1ull << (8 * sizeof(T) - 1));
        return static_cast<float>(value) * scale;
    } else {
        constexpr double middle = std::numeric_limits<T>::max() / 2.0;
        return static_cast<float>((value - middle) / middle);
    }
}

template <typename T, order Order, bool Complex>
void convert_samples(const unsigned char* from,
                     size_t stride,
                     size_t count,
                     gr_complex* to)
{
    for (size_t i = 0; i < count; i++, from += stride) {
        const float re = read_part<T, Order>(from);
        const float im = Complex ? read_part<T, Order>(from + sizeof(T)) : 0.0f;
        to[i] = gr_complex(re, im);
    }
}

} // namespace

template <typename T>
void sample_format::choose(bool complex, bool big_endian)
{
    d_bytes = sizeof(T) * (complex ? 2 : 1);
    d_real = !complex;
    if (complex)
        d_convert = big_endian ? convert_samples<T, order::big, true>
                               : convert_samples<T, order::little, true>;
    else
        d_convert = big_endian ? convert_samples<T, order::big, false>
                               : convert_samples<T, order::little, false>;
}

sample_format::sample_format(const std::string& datatype)
{
    static const std::regex pattern("([cr])(?:([iu]8)|(f32|f64|[iu]16|[iu]32)_([lb])e)");
    std::smatch part;
    if (!std::regex_match(datatype, part, pattern))
        throw std::invalid_argument(
            "sample_player: datatype is \"" + datatype +
            "\", expected one of SigMF's: ci8 cu8 ci16_le cu16_le ci32_le cu32_le cf32_le "
            "cf64_le, or with r for c (real) or _be for _le (big-endian)");
    const bool complex = part[1] == "c";
    const bool big_endian = part[4] == "b";
    const std::string number = part[2].matched ? part[2] : part[3];
    if (number == "i8")
        choose<int8_t>(complex, false);
    else if (number == "u8")
        choose<uint8_t>(complex, false);
    else if (number == "i16")
        choose<int16_t>(complex, big_endian);
    else if (number == "u16")
        choose<uint16_t>(complex, big_endian);
    else if (number == "i32")
        choose<int32_t>(complex, big_endian);
    else if (number == "u32")
        choose<uint32_t>(complex, big_endian);
    else if (number == "f32")
        choose<float>(complex, big_endian);
    else
        choose<double>(complex, big_endian);
}

} // namespace gr::wfm
