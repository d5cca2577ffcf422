// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/join.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace gr::wfm::finding {

namespace {

constexpr double quiet = 0.3;  // power of a line between bursts, over that within them
constexpr double same = 0.6;   // correlation of two tones' levels
constexpr double during_share = 0.8; // share of what belongs to another that lies within it
constexpr double shortest = 64; // of the shortest rows: bursts told by begin and end
constexpr double beside = 0.3; // width of a signal within which its skirts are
constexpr double close = 0.1;  // the same, of those not so faint but narrow
constexpr double far = 3.0;    // the same, of those that pause with it
// Power over that of a signal, of what its steps leave right beside it for a moment.
constexpr double splash = 0.12;
constexpr double faint = 0.05; // power over that of a signal, of its skirts
constexpr double subcarrier = 12e3; // Hz beside a carrier, of what belongs to it

double overlap(double a, double b, double c, double d)
{
    return std::min(b, d) - std::max(a, c);
}

bool is_echo(const candidate& line, const std::vector<box>& over, const layer& by)
{
    const auto [first, last] = by.rows_of(line.edges.start, line.edges.stop);
    const auto [a, b] = by.bins(line.edges.low, line.edges.high);
    const profile level = mean_over_bins(by, first, last, a, b);
    const double hop = by.shape.hop, reach = by.shape.reach() + hop / 2;
    double sums[2] = {};
    size_t counts[2] = {};
    for (size_t row = first; row < last; row++) {
        const double at = (row + 0.5) * hop;
        const bool covered = std::any_of(over.begin(), over.end(), [&](const box& one) {
            return at > one.start - reach && at < one.stop + reach;
        });
        sums[covered] += level[row - first] - 1;
        counts[covered]++;
    }
    if (counts[true] == 0)
        return false;
    if (counts[false] == 0)
        return true;
    return sums[false] / counts[false] < quiet * sums[true] / counts[true];
}

// Whether a faint part is not there while the strong one beside it pauses.
bool silent_without(const fragment& part, const fragment& one, const layer_list& layers)
{
    const double away = std::abs(part.edges.low + part.edges.high - one.edges.low -
                                 one.edges.high) /
                        2;
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

void fill_holes(values& noise)
{
    size_t before = 0; // the last that is no hole
    for (size_t i = 0; i < noise.size(); i++) {
        if (noise[i] == 0)
            continue;
        for (size_t hole = before + 1; hole < i; hole++)
            noise[hole] = noise[before] + (noise[i] - noise[before]) *
                                              static_cast<float>(hole - before) /
                                              static_cast<float>(i - before);
        before = i;
    }
}

fragment combined(const std::vector<fragment>& parts)
{
    fragment whole = parts[0];
    size_t last = 0;
    for (const fragment& part : parts) {
        whole.edges.start = std::min(whole.edges.start, part.edges.start);
        whole.edges.stop = std::max(whole.edges.stop, part.edges.stop);
        whole.edges.low = std::min(whole.edges.low, part.edges.low);
        whole.edges.high = std::max(whole.edges.high, part.edges.high);
        whole.first = std::min(whole.first, part.first);
        whole.on = std::max(whole.on, part.on);
        last = std::max(last, part.first + part.power.size());
    }
    whole.power.assign(last - whole.first, 0.0f);
    whole.noise.assign(last - whole.first, 0.0f);
    for (const fragment& part : parts)
        for (size_t i = 0; i < part.power.size(); i++) {
            const size_t at = part.first - whole.first + i;
            whole.power[at] += part.power[i];
            whole.noise[at] = std::max(whole.noise[at], part.noise[i]);
        }
    fill_holes(whole.noise);
    return whole;
}

// Whether as much power, within 4 dB, lies as far on the other side of `middle`.
bool mirrored(const fragment& part, double middle, const layer& by)
{
    const auto [first, last] = by.rows_of(part.edges.start, part.edges.stop);
    const auto excess = [&, first = first, last = last](const auto& bins) {
        const profile means = mean_over_bins(by, first, last, bins.first, bins.second);
        return mean_of(means, 0, means.size()) - 1;
    };
    const auto other =
        by.bins(2 * middle - part.edges.high, 2 * middle - part.edges.low);
    const double own = excess(by.bins(part.edges.low, part.edges.high));
    const double image = excess(other);
    const double looks =
        (last - first) * std::max((other.second - other.first) / 1.9, 1.0);
    const double over = image / std::max(own, 1e-9);
    return image > 3 / std::sqrt(looks) && over > 0.4 && over < 2.5;
}

// Whether a part is where a sideband of the line may be, and on while that is.
bool may_be_sideband(const fragment& part, const fragment& line, const layer& by)
{
    const double middle = (line.edges.low + line.edges.high) / 2, own = line.width();
    // Beside a line as far as subcarriers are, beside what is wide only close by.
    const bool thin = own < 8 * by.width();
    const double far_off = thin ? subcarrier : 1.2 * own;
    const double slack = std::max(0.05 * line.length(), 2.0 * by.shape.hop);
    const double apart = std::max(line.edges.low - part.edges.high,
                                  part.edges.low - line.edges.high);
    return part.level() > 0 && part.level() < (thin ? 0.7 : 1.5) * line.level() &&
           part.edges.low > middle - far_off && part.edges.high < middle + far_off &&
           (part.edges.high <= middle || part.edges.low >= middle) &&
           (thin || apart < 0.1 * own) && part.edges.start > line.edges.start - slack &&
           part.edges.stop < line.edges.stop + slack && mirrored(part, middle, by);
}

// Each line, and each wider part, with those beside it that have their mirror image on its
// other side.
std::vector<fragment> sidebands_joined(std::vector<fragment> parts,
                                       const layer_list& layers)
{
    std::vector<char> there(parts.size(), true);
    std::vector<size_t> lines(parts.size());
    std::iota(lines.begin(), lines.end(), 0);
    std::stable_sort(lines.begin(), lines.end(), [&](size_t a, size_t b) {
        return parts[a].level() > parts[b].level();
    });
    for (const size_t place : lines) {
        if (!there[place])
            continue;
        std::vector<fragment> mine{ parts[place] };
        for (size_t i = 0; i < parts.size(); i++)
            if (there[i] && i != place &&
                may_be_sideband(parts[i], parts[place], *layers.back())) {
                mine.push_back(parts[i]);
                there[i] = false;
            }
        if (mine.size() == 1)
            continue;
        there[place] = false;
        parts.push_back(combined(mine));
        there.push_back(true);
    }
    std::vector<fragment> kept;
    for (size_t i = 0; i < parts.size(); i++)
        if (there[i])
            kept.push_back(std::move(parts[i]));
    return kept;
}

// Whether two short bursts beside each other begin and end together: too short to see how
// their levels go.
bool coincide(const fragment& one, const fragment& other, double hop)
{
    const double apart = std::abs(one.edges.start - other.edges.start) +
                         std::abs(one.edges.stop - other.edges.stop);
    return other.edges.low - one.edges.high < std::max(one.width(), other.width()) &&
           one.length() < shortest * hop && apart < 0.1 * one.length() + hop;
}

// Whether two parts close beside each other are of equal width and power: tones too fast
// to see them take turns.
bool twins(const fragment& one, const fragment& other)
{
    const double wide = one.width() / other.width();
    const double level = one.level() / std::max(other.level(), 1e-30);
    return other.edges.low - one.edges.high <
               0.35 * std::min(one.width(), other.width()) &&
           wide > 0.7 && wide < 1.4 && level > 0.6 && level < 1.7;
}

bool take_turns(const fragment& one, const fragment& other, const layer_list& layers)
{
    if (other.edges.low - one.edges.high >
            farthest * std::max(one.width(), other.width()) ||
        other.edges.low < one.edges.high)
        return false;
    const double shared =
        overlap(one.edges.start, one.edges.stop, other.edges.start, other.edges.stop);
    const double whole = std::max(one.edges.stop, other.edges.stop) -
                         std::min(one.edges.start, other.edges.start);
    if (shared < 0.7 * whole)
        return false;
    return coincide(one, other, layers.front()->shape.hop) || twins(one, other) ||
           likeness(one.edges.start,
                    one.edges.stop,
                    { one.edges.low, one.edges.high },
                    { other.edges.low, other.edges.high },
                    layers) > same;
}

std::vector<fragment> tones_joined(std::vector<fragment> parts, const layer_list& layers)
{
    const auto by_frequency = [](const fragment& a, const fragment& b) {
        return a.edges.low < b.edges.low;
    };
    std::stable_sort(parts.begin(), parts.end(), by_frequency);
    for (size_t place = 0; place < parts.size();) {
        size_t other = place + 1;
        while (other < parts.size() && !take_turns(parts[place], parts[other], layers))
            other++;
        if (other >= parts.size()) {
            place++;
            continue;
        }
        fragment both = combined({ parts[place], parts[other] });
        parts.erase(parts.begin() + other);
        parts.erase(parts.begin() + place);
        parts.push_back(std::move(both));
        std::stable_sort(parts.begin(), parts.end(), by_frequency);
        place = 0;
    }
    return parts;
}

} // namespace

std::vector<candidate> without_echoes(const std::vector<candidate>& boxes,
                                      const layer_list& layers)
{
    std::vector<candidate> kept;
    for (const candidate& line : boxes) {
        const layer& by =
            *layers[std::min(views[line.view].layer, layers.size() - 1)];
        const double hop = by.shape.hop;
        const double wide = line.edges.high - line.edges.low;
        std::vector<box> over;
        for (const candidate& other : boxes) {
            const box& one = other.edges;
            if (&other != &line &&
                one.stop - one.start < 0.7 * (line.edges.stop - line.edges.start) + hop &&
                one.high - one.low > 1.5 * wide &&
                overlap(one.low, one.high, line.edges.low, line.edges.high) >
                    0.7 * wide &&
                overlap(one.start,
                        one.stop,
                        line.edges.start - hop,
                        line.edges.stop + hop) > 0)
                over.push_back(one);
        }
        if (over.empty() || !is_echo(line, over, by))
            kept.push_back(line);
    }
    return kept;
}

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
    const double density = part.energy() / part.length() / part.width();
    const double theirs = one.energy() / one.length() / one.width();
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
            return a.energy() > b.energy();
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

std::vector<fragment> joined(std::vector<fragment> parts, const layer_list& layers)
{
    return tones_joined(sidebands_joined(std::move(parts), layers), layers);
}

} // namespace gr::wfm::finding
