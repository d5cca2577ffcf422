// SPDX-License-Identifier: GPL-3.0-or-later
#include "spectrogram/spectrogram_kernel.h"
#include "common/parameter_check.h"
#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <volk/volk.h>

namespace gr::wfm {

namespace {

constexpr float decibels_per_octave = 3.01029995663981f;
constexpr float smallest_ratio = 1e-12f;
constexpr double smallest_level = 1e-30;

// Of a transform, of an image's samples and of its pixels: buffers stay under 1 GiB.
constexpr int most_samples = 16 * 1024 * 1024;
constexpr uint64_t most_levels = 256 * 1024 * 1024;

constexpr parameter_check check("spectrogram");

size_t rows_of(const spectrogram_parameters& p)
{
    return p.images() ? (p.window - p.fft_size) / p.hop + 1 : 1;
}

} // namespace

void spectrogram_parameters::check() const
{
    using gr::wfm::check;
    check(fft_size >= 2 && fft_size <= most_samples,
          "fft_size",
          fft_size,
          "2 or more samples, and 16777216 at most");
    check(hop >= 1, "hop", hop, "1 or more samples");
    check(output == "rows" || images(),
          "output",
          std::quoted(output, '\''),
          "rows or images");
    if (!images())
        return;
    check(window >= fft_size && window <= most_samples,
          "window",
          window,
          "fft_size (" + std::to_string(fft_size) +
              ") or more samples, and 16777216 at most");
    check(static_cast<uint64_t>(rows_of(*this)) * fft_size <= most_levels,
          "hop",
          hop,
          "a greater one: " + std::to_string(rows_of(*this)) + " transforms of " +
              std::to_string(fft_size) + " samples are more than 268435456 levels");
    check(height >= 1, "height", height, "1 or more pixels");
    check(width >= 1, "width", width, "1 or more pixels");
    check(height <= most_samples / width,
          "height",
          height,
          std::to_string(most_samples / width) + " pixels at most for this width");
    check(std::isfinite(minimum), "minimum", minimum, "a level in dB");
    check(std::isfinite(maximum) && maximum > minimum,
          "maximum",
          maximum,
          "more than the minimum, " + std::to_string(minimum) + " dB");
    check(std::isfinite(mean), "mean", mean, "a finite number");
    check(std::isfinite(std) && std > 0, "std", std, "more than 0");
}

spectrogram_kernel::spectrogram_kernel(const spectrogram_parameters& p)
    : d_fft_size(p.fft_size),
      d_hop(p.hop),
      d_rows(rows_of(p)),
      d_gain(1.0 / ((p.maximum - p.minimum) * p.std)),
      d_offset(-p.minimum / ((p.maximum - p.minimum) * p.std) - p.mean / p.std),
      d_fft(p.fft_size),
      d_hann(d_fft_size),
      d_levels(d_rows * d_fft_size),
      d_line(d_fft_size)
{
    for (size_t n = 0; n < d_fft_size; n++)
        d_hann[n] = 0.5 - 0.5 * std::cos(2 * M_PI * n / d_fft_size);
    if (!p.images())
        return;
    d_vertical = bilinear_weights(d_rows, p.height);
    d_horizontal = bilinear_weights(d_fft_size, p.width);
}

void spectrogram_kernel::power(const gr_complex* iq, float* power)
{
    volk_32fc_32f_multiply_32fc(d_fft.get_inbuf(), iq, d_hann.data(), d_fft_size);
    d_fft.execute();
    const gr_complex* bins = d_fft.get_outbuf();
    const size_t negative = d_fft_size / 2, positive = d_fft_size - negative;
    volk_32fc_magnitude_squared_32f(power, bins + positive, negative);
    volk_32fc_magnitude_squared_32f(power + negative, bins, positive);
}

void spectrogram_kernel::to_decibels(float* power, size_t count, float per_level)
{
    for (size_t i = 0; i < count; i++)
        power[i] = power[i] * per_level + smallest_ratio;
    volk_32f_log2_32f(power, power, count);
    volk_32f_s32f_multiply_32f(power, power, decibels_per_octave, count);
}

void spectrogram_kernel::row(const gr_complex* iq, float* decibels)
{
    this->power(iq, decibels);
    to_decibels(decibels, d_fft_size, 1.0f);
}

void spectrogram_kernel::image(const gr_complex* iq, float* pixels)
{
    double sum = 0;
    for (size_t row = 0; row < d_rows; row++) {
        float* power = &d_levels[row * d_fft_size];
        float row_sum;
        this->power(iq + row * d_hop, power);
        volk_32f_accumulator_s32f(&row_sum, power, d_fft_size);
        sum += row_sum;
    }
    const double level = std::max(sum / d_levels.size(), smallest_level);
    to_decibels(d_levels.data(), d_levels.size(), 1.0 / level);
    resize(pixels);
}

void spectrogram_kernel::resize(float* pixels)
{
    for (const auto& vertical : d_vertical) {
        std::fill(d_line.begin(), d_line.end(), 0.0f);
        for (size_t j = 0; j < vertical.weights.size(); j++) {
            const float* levels = &d_levels[(vertical.first + j) * d_fft_size];
            const float weight = vertical.weights[j];
            float* line = d_line.data();
            for (size_t i = 0; i < d_fft_size; i++)
                line[i] += weight * levels[i];
        }
        for (const auto& pixel : d_horizontal)
            *pixels++ = d_gain * std::inner_product(pixel.weights.begin(),
                                                    pixel.weights.end(),
                                                    d_line.begin() + pixel.first,
                                                    0.0f) +
                        d_offset;
    }
}

} // namespace gr::wfm
