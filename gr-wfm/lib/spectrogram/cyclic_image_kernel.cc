// SPDX-License-Identifier: GPL-3.0-or-later
#include "spectrogram/cyclic_image_kernel.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <volk/volk.h>

namespace gr::wfm {

namespace {

constexpr size_t window = cyclic_images::window;
constexpr size_t plane = cyclic_images::height * cyclic_images::width;

// Channel 0.
constexpr size_t fft_size = 64;
constexpr size_t frames = window / fft_size / cyclic_images::height; // whose mean is a row
constexpr float floor_db = -35.0f, range_db = 50.0f;
constexpr double smallest_level = 1e-30;

// Channels 1 to 4: a tile is an eighth of a spectrum, of eight rows that have a noise
// floor each, of which the strongest bins are kept.
constexpr size_t spectra = 4, tiles = 8, rows = 8, bins = 64, kept = 256;
constexpr size_t lanes = spectra * tiles;
constexpr size_t all_rows = tiles * rows; // of a spectrum
constexpr size_t smooth = 4;              // rows on either side
constexpr float smallest_floor = 1e-30f, least_ratio = 1e-3f;
constexpr float lowest = -1.0f, highest = 6.0f;
constexpr size_t patch = 16, patches = 4; // of pixels, and of patches side by side
constexpr float decades_per_octave = 0.301029995663981f;

static_assert(lanes == lanes_of_group);

// Of value i of the merged lists: the lists of a tile are its rows.
constexpr size_t place(size_t i) { return i % bins * (rows * lanes) + i / bins * lanes; }

sorting_network placed(const sorting_network& network)
{
    sorting_network offsets;
    for (const auto& [i, j] : network)
        offsets.emplace_back(place(i), place(j));
    return offsets;
}

void add_power(const gr_complex* x, float* scratch, float* power, size_t count)
{
    volk_32fc_magnitude_squared_32f(scratch, x, count);
    volk_32f_x2_add_32f(power, power, scratch, count);
}

} // namespace

std::unique_ptr<cyclic_images> cyclic_images::make()
{
    return std::make_unique<cyclic_image_kernel>();
}

cyclic_image_kernel::cyclic_image_kernel()
    : d_short(fft_size),
      d_long(window),
      d_hann(fft_size),
      d_squared(window),
      d_bins(window),
      d_picture(plane),
      d_spectra(spectra * window),
      d_sorted(bins * rows * lanes),
      d_floor(rows * lanes),
      d_ranked(kept * lanes)
{
    for (size_t n = 0; n < fft_size; n++)
        d_hann[n] = 0.5 - 0.5 * std::cos(2 * M_PI * n / fft_size);
    append_sort(d_rows, 0, bins);
    for (auto& [i, j] : d_rows)
        i *= rows * lanes, j *= rows * lanes;
    sorting_network merges;
    const size_t half = rows / 2 * bins; // two lists are left, of `kept` values each
    static_assert(half == kept);
    for (size_t count = 2 * bins; count <= half; count *= 2)
        for (size_t first = 0; first < rows * bins; first += count)
            append_merge(merges, first, count);
    d_merges = placed(merges);
    append_bitonic_merge(d_last, 0, kept);
    for (auto& [i, j] : d_last)
        i *= lanes, j *= lanes;
}

void cyclic_image_kernel::run(const gr_complex* iq,
                              size_t antennas,
                              size_t windows,
                              float* image)
{
    std::fill(d_picture.begin(), d_picture.end(), 0.0f);
    std::fill(d_spectra.begin(), d_spectra.end(), 0.0f);
    const size_t count = antennas * windows, samples = windows * window;
    if (!d_real || d_periods.size() != samples / 2 + 1) {
        d_real = std::make_unique<fft::fft_real_fwd>(samples);
        d_periods.resize(samples / 2 + 1);
        d_bins.resize(std::max(window, samples / 2 + 1));
    }
    std::fill(d_periods.begin(), d_periods.end(), 0.0f);
    for (size_t antenna = 0; antenna < antennas; antenna++) {
        add_spectrogram(iq + antenna * samples, windows);
        add_periods(iq + antenna * samples, windows);
    }
    place_periods(windows);
    for (size_t i = 0; i < count; i++)
        add_lines(iq + i * window);
    const float share = 1.0f / count;
    volk_32f_s32f_multiply_32f(d_picture.data(), d_picture.data(), share / frames, plane);
    volk_32f_s32f_multiply_32f(
        d_spectra.data(), d_spectra.data(), share, d_spectra.size());
    finish_spectrogram(image);
    finish_lines(image + plane);
}

void cyclic_image_kernel::add_spectrogram(const gr_complex* iq, size_t windows)
{
    constexpr size_t half = fft_size / 2;
    for (size_t row = 0; row < windows * window / fft_size; row++) {
        float* power = &d_picture[row / (windows * frames) * fft_size];
        volk_32fc_32f_multiply_32fc(
            d_short.get_inbuf(), iq + row * fft_size, d_hann.data(), fft_size);
        d_short.execute();
        const gr_complex* x = d_short.get_outbuf();
        add_power(x + half, d_bins.data(), power, half);
        add_power(x, d_bins.data(), power + half, half);
    }
}

void cyclic_image_kernel::add_spectrum(const gr_complex* x, size_t spectrum)
{
    std::copy_n(x, window, d_long.get_inbuf());
    d_long.execute();
    add_power(d_long.get_outbuf(), d_bins.data(), &d_spectra[spectrum * window], window);
}

void cyclic_image_kernel::add_lines(const gr_complex* iq)
{
    add_spectrum(iq, 0);
    volk_32fc_x2_multiply_32fc(d_squared.data(), iq, iq, window);
    add_spectrum(d_squared.data(), 1);
    volk_32fc_x2_multiply_32fc(
        d_squared.data(), d_squared.data(), d_squared.data(), window);
    add_spectrum(d_squared.data(), 3);
}

// The spectrum of |x|^2 is one over all windows: its lines are as narrow as these are long.
void cyclic_image_kernel::add_periods(const gr_complex* iq, size_t windows)
{
    float* envelope = d_real->get_inbuf();
    double sum = 0;
    for (size_t i = 0; i < windows; i++) {
        float part;
        volk_32fc_magnitude_squared_32f(envelope + i * window, iq + i * window, window);
        volk_32f_accumulator_s32f(&part, envelope + i * window, window);
        sum += part;
    }
    const float mean = sum / (windows * window);
    for (size_t i = 0; i < windows * window; i++)
        envelope[i] -= mean;
    d_real->execute();
    add_power(d_real->get_outbuf(), d_bins.data(), d_periods.data(), d_periods.size());
}

// A bin of the image is the strongest of as many neighbours as there are windows. The
// negative frequencies of what is real mirror the positive ones.
void cyclic_image_kernel::place_periods(size_t windows)
{
    float* power = &d_spectra[2 * window];
    const size_t samples = windows * window;
    for (size_t bin = 0; bin < window; bin++) {
        const size_t first = bin * windows;
        float most = d_periods[std::min(first, samples - first)];
        for (size_t i = first + 1; i < first + windows; i++)
            most = std::max(most, d_periods[std::min(i, samples - i)]);
        // As if it were a sum over the windows, as the others are.
        power[bin] = most * windows;
    }
}

void cyclic_image_kernel::finish_spectrogram(float* pixels)
{
    double sum = 0;
    for (float power : d_picture)
        sum += power;
    if (!std::isfinite(sum)) {
        std::fill_n(pixels, plane, std::numeric_limits<float>::quiet_NaN());
        return;
    }
    const float per_level = 1.0 / std::max(sum / plane, smallest_level);
    for (size_t i = 0; i < plane; i++)
        pixels[i] = d_picture[i] * per_level + 1e-12f;
    volk_32f_log2_32f(pixels, pixels, plane);
    constexpr float gain = 10 * decades_per_octave / range_db;
    for (size_t i = 0; i < plane; i++)
        pixels[i] = std::clamp(pixels[i] * gain - floor_db / range_db, 0.0f, 1.0f);
}

// A lane is a tile of a spectrum. The values of a row lie below each other, so that one
// network sorts all rows of all tiles: bin b of row r is the line b of [bins, rows,
// lanes].
void cyclic_image_kernel::place_rows(size_t spectrum)
{
    const float* power = &d_spectra[spectrum * window];
    for (size_t tile = 0; tile < tiles; tile++) {
        // Tiles go from -sample_rate/2 upwards, the spectrum from 0 Hz.
        const float* from = power + (tile + tiles / 2) % tiles * (rows * bins);
        float* to = &d_sorted[spectrum * tiles + tile];
        for (size_t bin = 0; bin < bins; bin++)
            for (size_t row = 0; row < rows; row++)
                to[(bin * rows + row) * lanes] = from[row * bins + bin];
    }
}

void cyclic_image_kernel::finish_lines(float* pixels)
{
    std::array<bool, spectra> finite;
    for (size_t spectrum = 0; spectrum < spectra; spectrum++) {
        float sum;
        volk_32f_accumulator_s32f(&sum, &d_spectra[spectrum * window], window);
        finite[spectrum] = std::isfinite(sum);
        place_rows(spectrum);
    }
    sort_lanes(d_rows, d_sorted.data(), rows);

    // The noise floor: the lower median of a row, in the mean of those beside it.
    const float* median = &d_sorted[(bins - 1) / 2 * rows * lanes];
    for (size_t spectrum = 0; spectrum < spectra; spectrum++)
        for (size_t row = 0; row < all_rows; row++) {
            const size_t begin = row - std::min(row, smooth);
            const size_t end = std::min(row + smooth + 1, all_rows);
            float sum = 0;
            for (size_t i = begin; i < end; i++)
                sum += median[i % rows * lanes + spectrum * tiles + i / rows];
            d_floor[row % rows * lanes + spectrum * tiles + row / rows] =
                1.0f / std::max(sum / (end - begin), smallest_floor);
        }
    for (size_t bin = 0; bin < bins; bin++)
        volk_32f_x2_multiply_32f(&d_sorted[bin * rows * lanes],
                                 &d_sorted[bin * rows * lanes],
                                 d_floor.data(),
                                 rows * lanes);

    sort_lanes(d_merges, d_sorted.data(), 1);
    // The greater of the k-th of one list and the k-th last of the other are the `kept`
    // greatest of both; they rise and fall once.
    for (size_t i = 0; i < kept; i++)
        volk_32f_x2_max_32f(&d_ranked[i * lanes],
                            &d_sorted[place(i)],
                            &d_sorted[place(2 * kept - 1 - i)],
                            lanes);
    sort_lanes(d_last, d_ranked.data(), 1);

    for (float& ratio : d_ranked)
        ratio += least_ratio;
    volk_32f_log2_32f(d_ranked.data(), d_ranked.data(), d_ranked.size());
    for (size_t spectrum = 0; spectrum < spectra; spectrum++, pixels += plane) {
        if (!finite[spectrum]) {
            std::fill_n(pixels, plane, std::numeric_limits<float>::quiet_NaN());
            continue;
        }
        for (size_t tile = 0; tile < tiles; tile++) {
            float* corner =
                pixels + tile / patches * patch * width + tile % patches * patch;
            const float* ranked = &d_ranked[spectrum * tiles + tile];
            for (size_t i = 0; i < kept; i++)
                corner[i / patch * width + i % patch] = std::clamp(
                    ranked[(kept - 1 - i) * lanes] * decades_per_octave, lowest, highest);
        }
    }
}

} // namespace gr::wfm
