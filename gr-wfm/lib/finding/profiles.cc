// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/profiles.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace gr::wfm::finding {

namespace {

constexpr size_t least_rows = 12; // that a likeness must be seen in
constexpr double nearest = 3.0;   // widths between two parts that come and go together
constexpr double pause = 0.08;    // share of rows
constexpr double on_level = 0.3;  // of the highest level
constexpr size_t long_pauses = 64; // of which the time has so many

double correlation(profile one, profile other)
{
    for (profile* side : { &one, &other }) {
        const double mean = mean_of(*side, 0, side->size());
        for (double& value : *side)
            value -= mean;
    }
    const auto dot = [](const profile& a, const profile& b) {
        return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    };
    const double both = std::sqrt(dot(one, one) * dot(other, other));
    return both > 0 ? dot(one, other) / both : 0.0;
}

// The same, without where both pause for long: that says nothing about who takes turns.
double correlation_while_on(const profile& one, const profile& other)
{
    const size_t count = one.size(), reach = (count / long_pauses | 1) / 2;
    const double top = std::max(greatest_of(one, 0, count), 1e-30);
    const double other_top = std::max(greatest_of(other, 0, count), 1e-30);
    profile kept, other_kept;
    size_t next = 0; // place that is not kept yet
    for (size_t i = 0; i < count; i++) {
        if (!(std::max(one[i] / top, other[i] / other_top) > on_level))
            continue;
        next = std::max(next, i - std::min(i, reach));
        for (; next < std::min(i + reach + 1, count); next++) {
            kept.push_back(one[next]);
            other_kept.push_back(other[next]);
        }
    }
    return correlation(std::move(kept), std::move(other_kept));
}

} // namespace

double mean_of(const profile& of, size_t first, size_t last)
{
    return std::accumulate(of.begin() + first, of.begin() + last, 0.0) / (last - first);
}

double greatest_of(const profile& of, size_t first, size_t last)
{
    return *std::max_element(of.begin() + first, of.begin() + last);
}

namespace {

// Four sums side by side: one would wait for each addition.
double sum_of(const float* line, size_t count)
{
    double sums[4] = {};
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (size_t lane = 0; lane < 4; lane++)
            sums[lane] += line[i + lane];
    for (; i < count; i++)
        sums[0] += line[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

} // namespace

profile mean_over_bins(const layer& by, size_t row, size_t rows_end, size_t a, size_t b)
{
    profile means(rows_end - row);
    for (size_t r = row; r < rows_end; r++) {
        const float* line = by.row(r);
        means[r - row] = sum_of(line + a, b - a) / (b - a);
    }
    return means;
}

profile mean_over_rows(const layer& by, size_t row, size_t rows_end, size_t a, size_t b)
{
    profile means(b - a);
    for (size_t r = row; r < rows_end; r++) {
        const float* line = by.row(r) + a;
        for (size_t i = 0; i < means.size(); i++)
            means[i] += line[i];
    }
    for (double& mean : means)
        mean /= rows_end - row;
    return means;
}

const layer& layer_for_band(const layer_list& layers, double duration, size_t rows)
{
    for (auto one = layers.rbegin(); one != layers.rend(); ++one)
        if (duration >= static_cast<double>(rows * (*one)->shape.hop))
            return **one;
    return *layers.front();
}

const layer& layer_for_time(const layer_list& layers, double bandwidth)
{
    for (const layer* one : layers)
        if (bandwidth >= 2 * one->width())
            return *one;
    return *layers.back();
}

const layer& layer_apart(const layer_list& layers, double away)
{
    for (const layer* one : layers)
        if (away >= 3 * one->width())
            return *one;
    return *layers.back();
}

seen profile_in_time(const layer_list& layers, const box& in)
{
    const layer& by = layer_for_time(layers, in.high - in.low);
    const auto [a, b] = by.bins(in.low, in.high);
    const auto [first, last] = by.rows_of(in.start, in.stop);
    profile mean = mean_over_bins(by, first, last, a, b);
    for (double& value : mean)
        value -= 1;
    return { &by, first, std::move(mean), 1 / std::sqrt(std::max((b - a) / 1.9, 1.0)) };
}

seen profile_in_band(const layer_list& layers, const box& in, size_t least)
{
    const layer& by = layer_for_band(layers, in.stop - in.start, least);
    const auto [first, last] = by.rows_of(in.start, in.stop);
    const auto [a, b] = by.bins(in.low, in.high);
    profile mean = mean_over_rows(by, first, last, a, b);
    for (double& value : mean)
        value -= 1;
    return { &by, a, std::move(mean), 1 / std::sqrt(static_cast<double>(last - first)) };
}

double likeness(double start,
                double stop,
                const band& one,
                const band& other,
                const layer_list& layers)
{
    const double away = (other.first + other.second - one.first - one.second) / 2;
    const layer& timing = layer_apart(layers, away);
    const double margin = 0.25 * (stop - start);
    const auto inner = timing.rows_of(start, stop);
    const auto outer = timing.rows_of(start - margin, stop + margin);
    if (inner.second - inner.first < least_rows)
        return 0.0;
    profile sides[2], within[2];
    for (size_t i = 0; i < 2; i++) {
        const band& of = i == 0 ? one : other;
        const auto [a, b] = timing.bins(of.first, of.second);
        profile side = mean_over_bins(timing, outer.first, outer.second, a, b);
        for (double& value : side)
            value -= 1;
        side = uniform_filter(side, 2, beyond::nearest);
        for (double& value : side)
            value = std::sqrt(std::max(value, 0.0));
        const double most = 2 * quantile(side, 0.75);
        for (double& value : side) // clicks of a third signal are in both
            value = std::min(value, most);
        within[i].assign(side.begin() + (inner.first - outer.first),
                         side.begin() + (inner.second - outer.first));
        sides[i] = std::move(side);
    }
    const double turns = -correlation_while_on(within[0], within[1]);
    const auto pauses = [](const profile& side) {
        const double low = 0.25 * greatest_of(side, 0, side.size());
        const auto off = std::count_if(
            side.begin(), side.end(), [low](double level) { return level < low; });
        return static_cast<double>(off) / side.size() > pause;
    };
    const bool near =
        other.first - one.second <
        nearest * std::max(one.second - one.first, other.second - other.first);
    if (near && pauses(sides[0]) && pauses(sides[1]))
        return std::max(turns, correlation(sides[0], sides[1]));
    return turns;
}

} // namespace gr::wfm::finding
