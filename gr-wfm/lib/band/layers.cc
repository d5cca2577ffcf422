// SPDX-License-Identifier: GPL-3.0-or-later
#include "band/layers.h"
#include <algorithm>
#include <cmath>
#include <volk/volk.h>

namespace gr::wfm::finding {

namespace {

constexpr double least_share = 0.95;

} // namespace

std::array<layer_shape, 3> shapes(size_t fft_size)
{
    const size_t small = std::max<size_t>(fft_size / 8, 8);
    return { { { small, small / 2 },
               { fft_size, fft_size / 2 },
               { 16 * fft_size, 8 * fft_size } } };
}

layer_rows::layer_rows(const layer_shape& shape)
    : d_shape(shape),
      d_kernel({ static_cast<int>(shape.fft_size), 1, "rows", 0, 0, 0, 0, 1, 0, 1 }),
      d_energy(shape.fft_size + 1),
      d_part(shape.fft_size)
{
    for (size_t n = 0; n < shape.fft_size; n++) {
        const double hann = 0.5 - 0.5 * std::cos(2 * M_PI * n / shape.fft_size);
        d_energy[n + 1] = d_energy[n] + hann * hann;
    }
}

// Of the window's energy, from one of its samples to before another.
double layer_rows::share(long first, long last) const
{
    return last > first ? (d_energy[last] - d_energy[first]) / d_energy.back() : 0.0;
}

void layer_rows::transform(const gr_complex* samples,
                           size_t there,
                           size_t begin,
                           size_t count,
                           const std::vector<uint32_t>& broken)
{
    const long size = d_shape.fft_size, end = there;
    d_rows = (count + d_shape.hop - 1) / d_shape.hop;
    d_good.assign(d_rows, true);
    if (d_power.size() < d_rows * d_shape.fft_size)
        d_power.resize(d_rows * d_shape.fft_size);
    for (size_t r = 0; r < d_rows; r++) {
        const long at = static_cast<long>(begin + r * d_shape.hop) -
                        static_cast<long>(d_shape.reach());
        const long first = std::clamp<long>(-at, 0, size);
        const long last = std::clamp<long>(end - at, 0, size);
        if (!broken.empty() && broken[std::clamp<long>(at + size, 0, end)] >
                                   broken[std::clamp<long>(at, 0, end)]) {
            d_good[r] = false;
            continue;
        }
        double scale = 1 / d_energy.back();
        const gr_complex* from = samples + at;
        if (first > 0 || last < size) {
            const double part = share(first, last);
            d_good[r] = part >= least_share;
            if (!d_good[r])
                continue;
            scale /= part;
            std::fill(d_part.begin(), d_part.end(), gr_complex(0));
            std::copy(from + first, from + last, d_part.begin() + first);
            from = d_part.data();
        }
        d_kernel.power(from, row(r));
        volk_32f_s32f_multiply_32f(row(r), row(r), static_cast<float>(scale), size);
    }
}

size_t layer_rows::good_rows() const
{
    return std::count(d_good.begin(), d_good.begin() + d_rows, true);
}

std::pair<size_t, size_t> layer::bins(double low, double high) const
{
    const long size = shape.fft_size;
    const long first = std::floor((low + rate / 2) / width() + 0.5);
    const long last = std::ceil((high + rate / 2) / width() + 0.5);
    return { std::min(std::max(first, 0L), size - 1),
             std::min(std::max({ last, first + 1, 1L }), size) };
}

std::pair<size_t, size_t> layer::rows_of(double start, double stop) const
{
    const long count = rows;
    const long first = std::floor(start / shape.hop);
    const long last = std::ceil(stop / shape.hop);
    return { std::min(std::max(first, 0L), count - 1),
             std::min(std::max({ last, first + 1, 1L }), count) };
}

} // namespace gr::wfm::finding
