// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/cutting.h"
#include <algorithm>
#include <cmath>

namespace gr::wfm::finding {

namespace {

constexpr double least_looks = 32; // bins times rows that a valley must be seen in
constexpr double deep = 0.02, shallow = 0.3; // power of a valley over what it parts
constexpr double unlike = 0.25;
constexpr double gap_widths = 200.0;
constexpr int deepest = 4;
constexpr size_t shortest = 12; // rows

using run = std::pair<size_t, size_t>; // first and last + 1 place

// Stretches above `limit`, those closer than `gap` places as one.
std::vector<run> on_runs(const profile& of, double limit, double gap)
{
    std::vector<run> runs;
    for (size_t i = 0; i < of.size(); i++) {
        if (!(of[i] > limit))
            continue;
        if (!runs.empty() && static_cast<double>(i - (runs.back().second - 1)) <= gap + 1)
            runs.back().second = i + 1;
        else
            runs.push_back({ i, i + 1 });
    }
    return runs;
}

std::vector<box> cut_in_time(const box& in, const layer_list& layers)
{
    seen by = profile_in_time(layers, in);
    const double hop = by.by->shape.hop;
    profile smooth = by.mean;
    double deviation = by.deviation;
    if (smooth.size() >= 3) {
        smooth = uniform_filter(smooth, 3, beyond::nearest);
        deviation /= 1.6;
    }
    const double limit =
        smooth.size() > 1 ? std::max(4 * deviation, 0.05 * quantile(smooth, 0.9)) : -1;
    const double gap = gap_for(in.high - in.low) * by.by->rate / hop;
    const std::vector<run> runs = on_runs(smooth, limit, gap);
    if (runs.size() <= 1)
        return { in };
    std::vector<box> pieces;
    for (const auto& [a, b] : runs)
        pieces.push_back({ std::max((by.first + a) * hop, in.start),
                           std::min((by.first + b) * hop, in.stop),
                           in.low,
                           in.high });
    return pieces;
}

// A box's averaged spectrum, and in how many rows of their own it was seen.
struct spectrum {
    const box& in;
    const layer_list& layers;
    seen by;
    double looks;

    // Whether two parts of it are two signals': noise or 17 dB less than both surely lies
    // between, or 5 dB and they do not come and go together.
    bool parted(const run& one, const run& other) const
    {
        const double gap = other.first - one.second;
        const double narrow =
            std::min(one.second - one.first, other.second - other.first);
        if (gap < std::max(1.0, 0.06 * narrow) || gap * looks < least_looks)
            return false;
        const double sides = std::min(mean_of(by.mean, one.first, one.second),
                                      mean_of(by.mean, other.first, other.second));
        const double between = mean_of(by.mean, one.second, other.first);
        const double doubt = 3 * by.deviation / std::sqrt(gap);
        if (between < doubt || between + doubt < deep * sides)
            return gap >= 2;
        const bool wide = gap >= 0.15 * narrow;
        if (between + doubt > shallow * sides || gap * looks < 2 * least_looks || !wide)
            return false;
        const auto rows = by.by->rows_of(in.start, in.stop);
        if (rows.second - rows.first < shortest)
            return false;
        return std::abs(likeness(
                   in.start, in.stop, band_of(one), band_of(other), layers)) < unlike;
    }

    band band_of(const run& of) const
    {
        const double width = by.by->width(), half = by.by->rate / 2;
        return { (by.first + of.first) * width - half,
                 (by.first + of.second) * width - half };
    }
};

// Rows that say something of their own: of a burst, only those it is in.
double looks_of(const seen& by, const box& in)
{
    const auto rows = by.by->rows_of(in.start, in.stop);
    const profile means = mean_over_bins(
        *by.by, rows.first, rows.second, by.first, by.first + by.mean.size());
    double sum = 0, squares = 0;
    for (const double mean : means) {
        const double energy = std::max(mean - 1, 0.0);
        sum += energy;
        squares += energy * energy;
    }
    return sum * sum / std::max(squares, 1e-30);
}

std::vector<box> cut_in_band(const box& in, const layer_list& layers)
{
    spectrum of{ in, layers, profile_in_band(layers, in, shortest), 0 };
    const size_t count = of.by.mean.size();
    if (count < 5)
        return { in };
    const double width = of.by.by->width(), half = of.by.by->rate / 2;
    of.looks = looks_of(of.by, in);
    const auto few = static_cast<size_t>(std::max(1.0, std::min(count / 24.0, 16.0)));
    const profile smooth = uniform_filter(of.by.mean, few, beyond::nearest);
    of.by.deviation *= 1.4;
    const double top = greatest_of(smooth, 0, count);
    for (double level = 4 * of.by.deviation / std::sqrt(few); level < top; level *= 2) {
        std::vector<run> merged;
        for (const run& next : on_runs(smooth, level, 1.0)) {
            if (!merged.empty() && !of.parted(merged.back(), next))
                merged.back().second = next.second;
            else
                merged.push_back(next);
        }
        if (merged.size() <= 1)
            continue;
        // As far as the lowest place between, so that nothing is lost.
        std::vector<double> edges{ in.low };
        for (size_t i = 0; i + 1 < merged.size(); i++) {
            const auto lowest = std::min_element(smooth.begin() + merged[i].second,
                                                 smooth.begin() + merged[i + 1].first);
            const size_t place = lowest - smooth.begin() + 1;
            edges.push_back((of.by.first + place - 0.5) * width - half);
        }
        edges.push_back(in.high);
        std::vector<box> pieces;
        for (size_t i = 0; i + 1 < edges.size(); i++)
            pieces.push_back({ in.start, in.stop, edges[i], edges[i + 1] });
        return pieces;
    }
    return { in };
}

} // namespace

double gap_for(double bandwidth)
{
    return std::clamp(gap_widths / std::max(bandwidth, 1.0), least_gap, most_gap);
}

std::vector<box> signals_in(const box& in, const layer_list& layers, int depth)
{
    std::vector<box> pieces = cut_in_band(in, layers);
    if (pieces.size() == 1) {
        pieces = cut_in_time(pieces[0], layers);
        if (pieces.size() == 1)
            return pieces;
    }
    if (depth > deepest)
        return pieces;
    std::vector<box> all;
    for (const box& piece : pieces)
        for (const box& one : signals_in(piece, layers, depth + 1))
            all.push_back(one);
    return all;
}

} // namespace gr::wfm::finding
