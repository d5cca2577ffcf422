// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/skirts.h"
#include <algorithm>
#include <cmath>

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

// Whether a faint part is not there while the strong one beside it pauses.
bool silent_without(const fragment& part, const fragment& one, const layer_list& layers)
{
    const double away =
        std::abs(part.edges.low + part.edges.high - one.edges.low - one.edges.high) / 2;
    const layer& by = layer_apart(layers, away);
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

bool belongs(const fragment& part, const fragment& one, const layer_list& layers)
{
    const double shared =
        overlap(part.edges.low, part.edges.high, one.edges.low, one.edges.high);
    if (shared >= during_share * part.width())
        return part.level() < one.level();
    return is_beside(part, one, layers);
}

} // namespace

bool is_beside(const fragment& part, const fragment& one, const layer_list& layers)
{
    const double rate = layers[0]->rate;
    double shared = -rate;
    for (const double turn : { -rate, 0.0, rate })
        shared = std::max(shared,
                          overlap(part.edges.low + turn,
                                  part.edges.high + turn,
                                  one.edges.low,
                                  one.edges.high));
    const double density = part.energy / part.length() / part.width();
    const double theirs = one.energy / one.length() / one.width();
    const double apart = -shared / one.width(), over = part.level() / one.level();
    if (part.width() < 0.6 * one.width() && apart < beside && density < faint * theirs)
        return true;
    const bool brief =
        part.length() < 0.25 * one.length() || part.on < 0.25 * part.length();
    if (part.width() < (brief ? 0.4 : 0.25) * one.width() && apart < close &&
        over < faint)
        return true;
    if (part.length() < 0.02 * one.length() && apart < 0.02 && over < splash)
        return true;
    return apart < far && over < 2 * faint && silent_without(part, one, layers);
}

std::vector<fragment> without_skirts(std::vector<fragment> parts,
                                     const layer_list& layers)
{
    std::stable_sort(
        parts.begin(), parts.end(), [](const fragment& a, const fragment& b) {
            return a.energy > b.energy;
        });
    std::vector<fragment> kept;
    for (fragment& part : parts) {
        double during = 0;
        for (const fragment& one : kept) {
            const double shared = overlap(
                part.edges.start, part.edges.stop, one.edges.start, one.edges.stop);
            if (shared > 0 && belongs(part, one, layers))
                during += shared;
        }
        if (during < during_share *
                         std::min(part.length(), std::max(part.on, 0.5 * part.length())))
            kept.push_back(std::move(part));
    }
    return kept;
}

} // namespace gr::wfm::finding
