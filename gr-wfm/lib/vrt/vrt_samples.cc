// SPDX-License-Identifier: GPL-3.0-or-later
#include "vrt/vrt_samples.h"
#include <algorithm>
#include <cstring>
#include <volk/volk.h>
#include <volk/volk_alloc.hh>

namespace gr::wfm {

namespace {

constexpr bool host_is_big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
constexpr float full_scale = 32768.0f;
// Values at a time, of ci16 and cf32 alike: all of it stays in the nearest cache.
constexpr size_t block = 2048;

template <typename T>
void swap_bytes(T* values, size_t count)
{
    if constexpr (host_is_big_endian)
        return;
    if constexpr (sizeof(T) == 4)
        volk_32u_byteswap(reinterpret_cast<uint32_t*>(values), count);
    else
        volk_16u_byteswap(reinterpret_cast<uint16_t*>(values), count);
}

template <typename T>
T* own_block()
{
    static thread_local volk::vector<T> values(block);
    return values.data();
}

} // namespace

void write_samples(uint8_t* to, const gr_complex* from, size_t samples, vrt_format format)
{
    const float* values = reinterpret_cast<const float*>(from);
    for (size_t left = 2 * samples; left > 0;) {
        const size_t count = std::min(left, block);
        if (format == vrt_format::cf32) {
            float* const own = own_block<float>();
            std::memcpy(own, values, count * sizeof(float));
            swap_bytes(own, count);
            std::memcpy(to, own, count * sizeof(float));
            to += count * sizeof(float);
        } else {
            int16_t* const own = own_block<int16_t>();
            volk_32f_s32f_convert_16i(own, values, full_scale, count);
            swap_bytes(own, count);
            std::memcpy(to, own, count * sizeof(int16_t));
            to += count * sizeof(int16_t);
        }
        values += count;
        left -= count;
    }
}

void read_samples(gr_complex* to, const uint8_t* from, size_t samples, vrt_format format)
{
    float* values = reinterpret_cast<float*>(to);
    for (size_t left = 2 * samples; left > 0;) {
        const size_t count = std::min(left, block);
        if (format == vrt_format::cf32) {
            std::memcpy(values, from, count * sizeof(float));
            swap_bytes(values, count);
            from += count * sizeof(float);
        } else {
            int16_t* const own = own_block<int16_t>();
            std::memcpy(own, from, count * sizeof(int16_t));
            swap_bytes(own, count);
            volk_16i_s32f_convert_32f(values, own, full_scale, count);
            from += count * sizeof(int16_t);
        }
        values += count;
        left -= count;
    }
}

} // namespace gr::wfm
