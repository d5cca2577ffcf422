// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/wide.h"
#include "finding/skirts.h"
#include <algorithm>
#include <cmath>

namespace gr::wfm::finding {

namespace {

constexpr double widest_local = 0.2;    // of the band: wider ones may hide in the floor
constexpr double up = 2.0, above = 4.0; // over what was before; over the quietest place
// Of a filter's fall (dB), which has not come yet half the way to the band's end.
constexpr double flat = 0.7;
constexpr double steepness = 0.05;      // of the band, for 10 dB at a signal's edges
constexpr double narrow_filter = 0.6;   // of the band: receivers' filters are wider
constexpr double aside = 0.1;           // of the band, from its middle: no filter is
constexpr double unsteady_from = 2.25;  // mean square over squared mean of power
// Power over that of filtered noise, and of a wide signal, of what is in it.
constexpr double stands_out = 6.0, stands_far_out = 30.0;
// Ratio to the floor over that of the wide signal, of a box that shows only its
// unsteadiness.
constexpr double barely = 0.05;
constexpr double hold_seconds = 2.0;
constexpr double said_snr = 10;

struct stretch {
    size_t first, last;
    size_t length() const { return last - first; }
};

template <typename predicate>
std::optional<stretch> longest(size_t count, predicate yes)
{
    std::optional<stretch> best;
    for (size_t i = 0; i < count; i++) {
        if (!yes(i))
            continue;
        const size_t first = i;
        while (i < count && yes(i))
            i++;
        if (!best || i - first > best->length())
            best = stretch{ first, i };
    }
    return best;
}

double quantile_of(const float* first, const float* last, double share)
{
    return quantile(std::vector<double>(first, last), share);
}

// Whether a receiver's filter made the edges: the floor falls up to the band's ends, where
// beside a signal there is noise, as low from its edge on.
bool filtered(const values& floor, size_t first, size_t last, double top)
{
    const auto falls_late = [&](double half, double end) {
        return std::log(top / half) < flat * std::log(top / end);
    };
    const size_t right = floor.size() - last;
    return (first == 0 || falls_late(floor[first - 1 - first / 2], floor[0])) &&
           (right == 0 || falls_late(floor[last + right / 2], floor.back()));
}

// A part of the band that stands high over the quietest, with edges as a signal has them.
std::optional<wide_signal> plateau(const values& floor)
{
    const size_t count = floor.size();
    const float* bins = floor.data();
    const double low = quantile_of(bins, bins + count, 0.02);
    const auto run = longest(count, [&](size_t i) { return floor[i] > above * low; });
    if (!run)
        return {};
    const double top = quantile_of(bins + run->first, bins + run->last, 0.5);
    const auto half = longest(count, [&](size_t i) { return floor[i] > 0.5 * top; });
    if (!half || half->length() < widest_local * count || half->length() > 0.98 * count)
        return {};
    const auto reach = static_cast<size_t>(std::lrint(steepness * count));
    const double bottom = std::max(0.1 * top, 1.5 * low);
    const auto falls = [&](size_t first, size_t last) {
        return *std::min_element(bins + first, bins + last) <= bottom;
    };
    const bool left = half->first <= reach || falls(half->first - reach, half->first);
    const bool right =
        half->last >= count - reach || falls(half->last, half->last + reach);
    const double off = std::abs(static_cast<double>(half->first + half->last) - count);
    const bool elsewhere = half->length() <= narrow_filter * count || off > aside * count;
    if (!elsewhere && filtered(floor, half->first, half->last, top))
        return {};
    wide_signal found{ run->first, run->last, floor, false };
    found.steep = elsewhere || (left && right && top > 2 * above * low);
    for (float& bin : found.outside)
        bin = std::min(bin, static_cast<float>(low));
    return found;
}

// The power of the layer, summed and its squares, of each bin and each row.
struct power_sums {
    profile by_bin, squares, by_row;

    power_sums(const layer& by, size_t first, size_t last)
        : by_bin(last - first), squares(last - first), by_row(by.rows)
    {
        for (size_t r = 0; r < by.rows; r++) {
            const float* row = by.row(r);
            for (size_t i = first; i < last; i++) {
                const double power = row[i] * by.floor[i];
                by_bin[i - first] += power;
                squares[i - first] += power * power;
                by_row[r] += power;
            }
        }
        for (size_t i = 0; i < by_bin.size(); i++) {
            by_bin[i] /= by.rows;
            squares[i] /= by.rows;
        }
    }
};

} // namespace

wide_band::wide_band(double rate, size_t frame)
    : d_patience(std::max(std::lrint(hold_seconds * rate / frame), 1L))
{
}

std::optional<wide_signal> wide_band::look(const values& floor)
{
    auto found = risen(floor);
    return found ? found : plateau(floor);
}

std::optional<wide_signal> wide_band::risen(const values& floor)
{
    const size_t count = floor.size();
    if (d_before.size() != count) {
        d_before = floor;
        d_age = 0;
        return {};
    }
    const auto run =
        longest(count, [&](size_t i) { return floor[i] > up * d_before[i]; });
    if (!run || run->length() < widest_local * count) {
        for (size_t i = 0; i < count; i++)
            d_before[i] = std::min(floor[i], 1.26f * d_before[i]);
        d_age = 0;
        return {};
    }
    if (++d_age > d_patience) {
        d_before = floor;
        d_age = 0;
        return {};
    }
    for (size_t i = 0; i < count; i++)
        d_before[i] = std::min(floor[i], d_before[i]);
    return wide_signal{ run->first, run->last, d_before, true };
}

void add_wide(std::vector<fragment>& parts,
              const wide_signal& found,
              const layer& by,
              const layer_list& layers,
              size_t finest,
              size_t count)
{
    const size_t first = found.first, width = found.last - found.first;
    const power_sums sums(by, found.first, found.last);
    profile spectrum(width), steadiness(width);
    for (size_t i = 0; i < width; i++) {
        spectrum[i] = std::max(sums.by_bin[i] - found.outside[first + i], 0.0);
        steadiness[i] =
            sums.squares[i] / std::max(sums.by_bin[i] * sums.by_bin[i], 1e-30);
    }
    const bool steady = quantile(steadiness, 0.5) < unsteady_from;
    if (!found.steep && steady)
        return;
    const auto edges = quantile_edges(spectrum, by.width());
    const double origin = (first - 0.5) * by.width() - by.rate / 2;
    const profile levels = uniform_filter(sums.by_row, 3, beyond::nearest);
    const double limit = 0.25 * quantile(levels, 0.5);
    const auto is_on = [limit](double level) { return level > limit; };
    const size_t on_first =
        std::find_if(levels.begin(), levels.end(), is_on) - levels.begin();
    const size_t on_last =
        levels.rend() - std::find_if(levels.rbegin(), levels.rend(), is_on);
    if (on_last <= on_first)
        return;
    const size_t hop = by.shape.hop, times = finest / by.shape.fft_size;
    const double start = on_first * hop, stop = std::min(on_last * hop, count);
    fragment wide{ { start, stop, origin + edges.first, origin + edges.second },
                   static_cast<long>(first * times) - static_cast<long>(times / 2),
                   values(width * times),
                   values(width * times),
                   stop - start,
                   by.rate / finest,
                   0 };
    for (size_t i = 0; i < width; i++) {
        std::fill_n(&wide.power[i * times], times, spectrum[i] * (stop - start) / finest);
        std::fill_n(&wide.noise[i * times], times, found.outside[first + i] / finest);
    }
    wide.sum_up();
    const double width_hz = wide.width();
    const auto is_it = [&](const fragment& part) {
        return overlap(part.edges.low, part.edges.high, wide.edges.low, wide.edges.high) >
                   0.6 * width_hz &&
               part.length() > 0.6 * wide.length();
    };
    for (const fragment& part : parts)
        if (is_it(part) && part.ratio() > barely * wide.ratio())
            return;
    // Steady noise in the middle of the band may be what a receiver's filter lets
    // through.
    const bool filtered = steady && width_hz > narrow_filter * by.rate &&
                          std::abs(wide.edges.low + wide.edges.high) < 0.1 * width_hz;
    const double least =
        (filtered ? stands_out : stands_far_out) * wide.level() / width_hz;
    const double slack = 0.02 * width_hz;
    const auto only_its = [&](const fragment& part) {
        if (is_it(part))
            return true;
        const bool inside = part.edges.low > wide.edges.low - slack &&
                            part.edges.high < wide.edges.high + slack;
        return inside ? part.level() / part.width() <= least
                      : is_beside(part, wide, layers) && on_shoulder(part, wide, layers);
    };
    parts.erase(std::remove_if(parts.begin(), parts.end(), only_its), parts.end());
    parts.push_back(std::move(wide));
}

void add_whole(std::vector<fragment>& parts,
               const layer& by,
               size_t finest,
               size_t count)
{
    const size_t size = by.shape.fft_size, times = finest / size;
    profile power = power_sums(by, 0, size).by_bin;
    const double least = stands_far_out * quantile(power, 0.5) / by.rate;
    const auto uneven = [least](const fragment& part) {
        return !(part.level() / part.width() > least);
    };
    parts.erase(std::remove_if(parts.begin(), parts.end(), uneven), parts.end());
    for (const fragment& part : parts) {
        const auto [low, high] = by.bins(part.edges.low, part.edges.high);
        std::copy(
            by.floor.begin() + low, by.floor.begin() + high, power.begin() + low);
    }
    const double all = count;
    fragment whole{ { 0, all, -by.rate / 2, by.rate / 2 },
                    -static_cast<long>(times / 2),
                    values(finest),
                    values(finest),
                    all,
                    by.rate / finest,
                    0 };
    for (size_t i = 0; i < size; i++) {
        const double noise = by.floor[i] / said_snr;
        const double mine = std::max(power[i] - noise, 0.0) * all / finest;
        std::fill_n(&whole.power[i * times], times, mine);
        std::fill_n(&whole.noise[i * times], times, noise / finest);
    }
    whole.sum_up();
    parts.push_back(std::move(whole));
}

} // namespace gr::wfm::finding
