// SPDX-License-Identifier: GPL-3.0-or-later
#include "band/filled.h"
#include <algorithm>
#include <cmath>
#include <complex>

namespace gr::wfm::finding {

namespace {

constexpr size_t least_rows = 4;
constexpr float most = 4; // over the floor, that counts: lines of a receiver repeat, too
// Samples: a receiver's filter makes its noise like itself for some.
constexpr size_t least_lag = 24;
constexpr double least_left = 0.2; // of the band beside what was found
// Of a found box's width beside it, that is left out as the box is.
constexpr double margin = 0.25;
constexpr double rows_left = 0.3; // of a bin's
constexpr double least_level = 0.5; // over the floor: digital silence has none
// Eighths of a sample between two periods; what is seen of one half way.
constexpr int between = 4;
constexpr double half_way = 0.6;
// Power like itself over all, and over its deviation where there is none.
constexpr double like = 0.015, sure = 8;
// Parts of the band, those that must be seen, the share of one that has to be left, and
// the likeness of each over that of all.
constexpr size_t places = 8, seen_places = 5;
constexpr double left_of_place = 0.1, share_of_place = 0.4;
constexpr double pi = 3.14159265358979323846;

using complexd = std::complex<double>;

} // namespace

filled_band::filled_band(size_t fft_size)
    : d_size(fft_size),
      d_fft(fft_size),
      d_row(fft_size),
      d_power(fft_size),
      d_count(fft_size),
      d_ripples(fft_size),
      d_left(fft_size)
{
}

bool filled_band::look(const layer& by, const std::vector<box>& found)
{
    if (by.rows < least_rows)
        return false;
    const size_t left = take_ripples(by, found);
    if (left < least_left * d_size)
        return false;
    std::copy(d_ripples.begin(), d_ripples.end(), d_fft.get_inbuf());
    d_fft.execute();
    std::vector<double> size(d_size / 2 - least_lag);
    for (size_t i = 0; i < size.size(); i++)
        size[i] = std::abs(d_fft.get_outbuf()[i + least_lag]) / left;
    const auto peak = std::max_element(size.begin(), size.end());
    const double lag = least_lag + (peak - size.begin()), at_lag = *peak;
    // of a Rayleigh distribution
    const double deviation =
        quantile(std::move(size), 0.5) / std::sqrt(2 * std::log(2.0));
    const double limit = std::max(like, sure * deviation);
    if (at_lag < half_way * limit)
        return false;
    // The period need not be whole samples.
    complexd best = 0;
    std::vector<complexd> own(d_size), mine(d_size);
    for (int eighth = -between; eighth <= between; eighth++) {
        const double step = 2 * pi / d_size * (lag + eighth / 8.0);
        complexd sum = 0;
        for (size_t i = 0; i < d_size; i++) {
            own[i] = d_ripples[i] * std::polar(1.0, step * i);
            sum += own[i];
        }
        if (std::abs(sum) > std::abs(best)) {
            best = sum;
            mine.swap(own);
        }
    }
    const double alike = std::abs(best) / left;
    if (alike < limit)
        return false;
    const complexd turn = std::conj(best) / std::abs(best);
    size_t seen = 0;
    for (size_t place = 0; place < places; place++) {
        double there = 0, sum = 0;
        for (size_t i = place * d_size / places; i < (place + 1) * d_size / places; i++) {
            there += d_left[i];
            sum += (mine[i] * turn).real();
        }
        if (there < left_of_place * d_size / places)
            continue;
        seen++;
        if (sum < share_of_place * alike * there)
            return false;
    }
    return seen >= seen_places;
}

// The mean power of each bin beside what was found over its mean in all bins, less 1.
// Returns how many bins have enough rows for it, 0 where there is no noise at all.
size_t filled_band::take_ripples(const layer& by, const std::vector<box>& found)
{
    std::fill(d_power.begin(), d_power.end(), 0.0f);
    std::fill(d_count.begin(), d_count.end(), 0.0f);
    for (size_t r = 0; r < by.rows; r++) {
        std::fill(d_row.begin(), d_row.end(), 1.0f);
        for (const box& one : found) {
            const auto [first, last] = by.rows_of(one.start, one.stop);
            if (r < first || r >= last)
                continue;
            const auto [low, high] = by.bins(one.low, one.high);
            const size_t beside = 2 + static_cast<size_t>(margin * (high - low));
            std::fill(d_row.begin() + (low - std::min(low, beside)),
                      d_row.begin() + std::min(high + beside, d_size),
                      0.0f);
        }
        const float* ratio = by.row(r);
        for (size_t i = 0; i < d_size; i++) {
            d_power[i] += d_row[i] * std::min(ratio[i], most);
            d_count[i] += d_row[i];
        }
    }
    const double enough = std::max<double>(least_rows, rows_left * by.rows);
    double sum = 0;
    size_t left = 0;
    for (size_t i = 0; i < d_size; i++) {
        d_left[i] = d_count[i] >= enough;
        d_ripples[i] = d_left[i] ? d_power[i] / d_count[i] : 0.0;
        sum += d_ripples[i];
        left += d_left[i];
    }
    if (!(sum >= least_level * left))
        return 0;
    for (size_t i = 0; i < d_size; i++)
        if (d_left[i])
            d_ripples[i] = d_ripples[i] / (sum / left) - 1;
    return left;
}

} // namespace gr::wfm::finding
