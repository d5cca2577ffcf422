// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/skirts.h"
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace gr::wfm::finding {

namespace {

// Power while a strong signal pauses over that while it is on, of what is not its skirt.
constexpr double quiet = 0.3;
constexpr double during_share = 0.8; // of what belongs to another that lies within it
constexpr double beside = 0.3;       // width of a signal within which its skirts are
constexpr double close = 0.1;        // the same, of those not so faint but narrow
constexpr double far = 3.0;          // the same, of those that pause with it
// Power over that of a signal, of what its steps leave right beside it for a moment.
constexpr double splash = 0.12;
constexpr double faint = 0.05; // power over that of a signal, of its skirts
// Share of its band, of what is much weaker than a signal that it overlaps.
constexpr double partly = 0.25;
// Power over that of a signal, of its picture in short rows at the band's other end.
constexpr double round_the_end = 1.0;
// Widths from a signal, and power over its, of what it leaves for a moment.
constexpr double near = 0.6, trace = 0.005;
constexpr double shoulder = 1.5; // width of a signal within which its shoulders are
constexpr double leak = 0.1;     // power and density over a signal's, of its shoulders
// Power between a part and a signal over the part's, where it is that signal's shoulder.
constexpr double valley_over = 0.3;
constexpr double burst_rows = 12; // a signal so short strews lines in rows
constexpr double line = 0.2, strewn = 0.005; // width and energy of those over its
constexpr double image_over = 0.1; // power over that of a signal, of its sidebands
// Cells, and correlation of their levels, of what tells two signals from two sidebands.
constexpr size_t many_cells = 300;
constexpr double image_like = 0.1;
constexpr float least_ratio = 0.01f;

// Whether a faint part is not there while the strong one beside it pauses.
bool silent_without(const fragment& part, const fragment& one, const layer_list& layers)
{
    const double away =
        std::abs(part.edges.low + part.edges.high - one.edges.low - one.edges.high) / 2;
    // The band's ends are beside each other.
    const layer& by = layer_apart(layers, std::min(away, layers[0]->rate - away));
    const auto [first, last] = by.rows_of(part.edges.start, part.edges.stop);
    const auto levels = [&, first = first, last = last](const fragment& of) {
        const auto [a, b] = by.bins(of.edges.low, of.edges.high);
        return mean_over_bins(by, first, last, a, b);
    };
    const profile theirs = levels(one), mine = levels(part);
    const double top = quantile(theirs, 0.9) - 1;
    double on = 0, off = 0;
    size_t on_rows = 0, off_rows = 0;
    for (size_t i = 0; i < theirs.size(); i++) {
        if (theirs[i] - 1 > 0.5 * top) {
            on += mine[i] - 1;
            on_rows++;
        }
        if (theirs[i] - 1 < 0.05 * top) {
            off += mine[i] - 1;
            off_rows++;
        }
    }
    return on_rows >= 4 && off_rows >= 4 && off / off_rows < quiet * on / on_rows;
}

// Correlation of the levels of a part's cells and those of its mirror image about `middle`
// (Hz); nothing where too few are seen to say.
std::optional<double>
likeness_mirrored(const fragment& part, double middle, const layer& by)
{
    const auto [first, last] = by.rows_of(part.edges.start, part.edges.stop);
    const auto own = by.bins(part.edges.low, part.edges.high);
    const size_t count = own.second - own.first, rows = last - first;
    if (rows * count < many_cells)
        return {};
    const auto levels_from = [&, first = first](size_t bin) {
        profile levels(rows * count), mean(count);
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < count; i++) {
                const double ratio = std::max(by.row(first + r)[bin + i], least_ratio);
                mean[i] += levels[r * count + i] = std::log(ratio);
            }
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < count; i++)
                levels[r * count + i] -= mean[i] / rows;
        return levels;
    };
    const profile mine = levels_from(own.first);
    const double power = std::inner_product(mine.begin(), mine.end(), mine.begin(), 0.0);
    const long place =
        by.bins(2 * middle - part.edges.high, 2 * middle - part.edges.low).first;
    const long end = by.shape.fft_size - count;
    double likeness = 0;
    // The bins of one need not lie as those of the other do.
    for (long bin = std::max(place - 2, 0L); bin <= std::min(place + 2, end); bin++) {
        const profile other = levels_from(bin);
        double both = 0, its = 0;
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < count; i++) {
                const double level = other[r * count + count - 1 - i];
                both += mine[r * count + i] * level;
                its += level * level;
            }
        likeness = std::max(likeness, both / std::max(std::sqrt(power * its), 1e-30));
    }
    return likeness;
}

// Whether a faint part is one of two sidebands, however far from a signal; not where a
// stronger one of `kept` is at the other's place.
bool is_image(const fragment& part,
              const fragment& one,
              const std::vector<fragment>& kept,
              const layer_list& layers)
{
    if (part.level() >= image_over * one.level())
        return false;
    const double twice = one.edges.low + one.edges.high;
    for (const fragment& other : kept)
        if (&other != &one && twice - part.edges.low > other.edges.low &&
            twice - part.edges.high < other.edges.high &&
            other.level() > 3 * part.level())
            return false;
    const layer& by = layer_for_band(layers, part.length(), 3);
    if (!mirrored(part, twice / 2, by))
        return false;
    const auto likeness = likeness_mirrored(part, twice / 2, by);
    return !likeness || *likeness >= image_like;
}

// Whether a part is one of the faint lines that a burst leaves near its band in rows that
// are not much shorter.
bool is_strewn(const fragment& part, const fragment& one, double row)
{
    const double apart =
        std::max(part.edges.low - one.edges.high, one.edges.low - part.edges.high);
    return one.length() < burst_rows * row && part.width() < line * one.width() &&
           apart < one.width() && part.energy < strewn * one.energy;
}

bool belongs(const fragment& part, const fragment& one, const layer_list& layers)
{
    const double shared =
        overlap(part.edges.low, part.edges.high, one.edges.low, one.edges.high);
    const double share = shared / part.width();
    if ((share >= during_share && part.level() < one.level()) ||
        (share >= partly && part.level() < leak * one.level()))
        return true;
    return is_beside(part, one, layers);
}

} // namespace

bool on_shoulder(const fragment& part, const fragment& one, const layer_list& layers)
{
    const layer& by = layer_for_band(layers, part.length(), 3);
    const bool above = part.edges.low > one.edges.high;
    const auto gap = above ? by.bins(one.edges.high, part.edges.low)
                           : by.bins(part.edges.high, one.edges.low);
    const auto own = by.bins(part.edges.low, part.edges.high);
    const auto [first, last] = by.rows_of(part.edges.start, part.edges.stop);
    const auto mean = [&, first = first, last = last](const auto& bins) {
        return mean_over_rows(by, first, last, bins.first, bins.second);
    };
    const profile mine = mean(own);
    const profile between = uniform_filter(mean(gap), 3, beyond::nearest);
    const double valley = *std::min_element(between.begin(), between.end()) - 1;
    return valley > std::max(valley_over * (mean_of(mine, 0, mine.size()) - 1),
                             3 / std::sqrt(3.0 * (last - first)));
}

bool mirrored(const fragment& part, double middle, const layer& by)
{
    const double low = 2 * middle - part.edges.high, high = 2 * middle - part.edges.low;
    if (low < -by.rate / 2 || high > by.rate / 2)
        return false;
    const auto [first, last] = by.rows_of(part.edges.start, part.edges.stop);
    const auto excess = [&, first = first, last = last](const auto& bins) {
        const profile means = mean_over_bins(by, first, last, bins.first, bins.second);
        return mean_of(means, 0, means.size()) - 1;
    };
    const auto other = by.bins(low, high);
    const double own = excess(by.bins(part.edges.low, part.edges.high));
    const double image = excess(other);
    const double looks =
        (last - first) * std::max((other.second - other.first) / 1.9, 1.0);
    const double over = image / std::max(own, 1e-9);
    return image > 3 / std::sqrt(looks) && over > 0.4 && over < 2.5;
}

bool is_beside(const fragment& part, const fragment& one, const layer_list& layers)
{
    const double rate = layers[0]->rate, cell = layers[0]->width();
    const auto shared_by = [&](double turn) {
        return overlap(part.edges.low + turn,
                       part.edges.high + turn,
                       one.edges.low,
                       one.edges.high);
    };
    const double inner = shared_by(0.0);
    const double shared = std::max({ inner, shared_by(-rate), shared_by(rate) });
    const double over = part.level() / one.level();
    // Longer rows would not show it there.
    const bool brief_rows = &layer_for_band(layers, part.length(), 3) == layers[0];
    if (brief_rows && inner < shared && shared > -2 * cell && part.width() < 2 * cell &&
        over < round_the_end)
        return true;
    const double density = part.energy / part.length() / part.width();
    const double theirs = one.energy / one.length() / one.width();
    const double apart = -shared / one.width();
    if (part.width() < 0.6 * one.width() && apart < beside && density < faint * theirs)
        return true;
    const bool brief =
        part.length() < 0.25 * one.length() || part.on < 0.25 * part.length();
    if (part.width() < (brief ? 0.4 : 0.25) * one.width() && apart < close &&
        over < faint)
        return true;
    if (part.length() < 0.02 * one.length() && apart < 0.02 && over < splash)
        return true;
    if (apart < far && over < 2 * faint && silent_without(part, one, layers))
        return true;
    if (brief && part.width() < one.width() && apart < near && over < trace)
        return true;
    if (apart < shoulder && over < leak && density < leak * theirs)
        return -shared < 3 * layer_for_band(layers, part.length(), 3).width() ||
               on_shoulder(part, one, layers);
    return false;
}

std::vector<fragment>
without_skirts(std::vector<fragment> parts, const layer_list& layers, bool images)
{
    std::stable_sort(
        parts.begin(), parts.end(), [](const fragment& a, const fragment& b) {
            return a.energy > b.energy;
        });
    std::vector<fragment> kept;
    for (fragment& part : parts) {
        double during = 0;
        const double blur = layer_for_time(layers, part.width()).shape.hop;
        for (const fragment& one : kept) {
            const bool burst = is_strewn(part, one, blur);
            // In rows that long the lines are on before and after it as well.
            const double more = burst ? blur : 0;
            const double shared = overlap(part.edges.start,
                                          part.edges.stop,
                                          one.edges.start - more,
                                          one.edges.stop + more);
            if (shared > 0 && (burst || belongs(part, one, layers) ||
                               (images && is_image(part, one, kept, layers))))
                during += shared;
        }
        if (during < during_share *
                         std::min(part.length(), std::max(part.on, 0.5 * part.length())))
            kept.push_back(std::move(part));
    }
    return kept;
}

} // namespace gr::wfm::finding
