// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/join.h"
#include "finding/copies.h"
#include "finding/skirts.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace gr::wfm::finding {

namespace {

constexpr double quiet = 0.3;    // power of a line between bursts, over that within them
constexpr double alike = 0.6;    // correlation of two tones' levels
// Widths of the narrower between two tones, and power of one over that of the other.
constexpr double farthest = 20, one_power = 30;
constexpr size_t next_parts = 8; // above in frequency, at most, compared with one
constexpr size_t teeth = 6;      // lines that make a comb
constexpr double skipped = 10.5; // steps of a comb from a line to the next, at most
constexpr double lasting = 0.5;  // time over the longest part's, of a comb's lines
// Lines as narrow (bins) and equal (dB) as only those of one code or grid are.
constexpr size_t many = 12;
constexpr double thin_bins = 10, equal_db = 3;
constexpr double shortest = 64;  // of the shortest rows: bursts told by begin and end
constexpr double mostly = 0.6;      // share of a sideband's time that its carrier is on
constexpr double subcarrier = 12e3; // Hz beside a carrier, of what belongs to it

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
    long last = parts[0].first;
    for (const fragment& part : parts) {
        whole.edges.start = std::min(whole.edges.start, part.edges.start);
        whole.edges.stop = std::max(whole.edges.stop, part.edges.stop);
        whole.edges.low = std::min(whole.edges.low, part.edges.low);
        whole.edges.high = std::max(whole.edges.high, part.edges.high);
        whole.first = std::min(whole.first, part.first);
        whole.on = std::max(whole.on, part.on);
        last = std::max(last, part.first + static_cast<long>(part.power.size()));
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
    whole.sum_up();
    return whole;
}

// Whether a part is where a sideband of the line may be, and on while that is.
bool may_be_sideband(const fragment& part, const fragment& line, const layer& by)
{
    const double middle = (line.edges.low + line.edges.high) / 2, own = line.width();
    // Beside a line as far as subcarriers are, beside what is wide only close by.
    const bool thin = own < 8 * by.width();
    const double far_off = thin ? subcarrier : 1.2 * own;
    const double apart =
        std::max(line.edges.low - part.edges.high, part.edges.low - line.edges.high);
    return part.level() > 0 && part.level() < (thin ? 0.7 : 1.5) * line.level() &&
           part.edges.low > middle - far_off && part.edges.high < middle + far_off &&
           (part.edges.high <= middle || part.edges.low >= middle) &&
           (thin || apart < 0.1 * own) &&
           overlap(
               part.edges.start, part.edges.stop, line.edges.start, line.edges.stop) >
               mostly * part.length() &&
           mirrored(part, middle, by);
}

// Each line, and each wider part, with those beside it that have their mirror image on
// its other side.
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

bool same_time(const fragment& one, const fragment& other)
{
    const double shared =
        overlap(one.edges.start, one.edges.stop, other.edges.start, other.edges.stop);
    return shared > 0.7 * (std::max(one.edges.stop, other.edges.stop) -
                           std::min(one.edges.start, other.edges.start));
}

// The distance of neighbours that is there most often, 0 for none.
double usual_step(const profile& middles, double grid)
{
    profile apart;
    for (size_t i = 0; i + 1 < middles.size(); i++)
        apart.push_back(middles[i + 1] - middles[i]);
    size_t most = 0;
    double step = 0;
    for (const double one : apart) {
        if (one <= 4 * grid)
            continue;
        size_t count = 0;
        double sum = 0;
        for (const double other : apart)
            if (std::abs(one - other) < 2 * grid) {
                sum += other;
                count++;
            }
        if (count > most) {
            most = count;
            step = sum / count;
        }
    }
    return step;
}

bool are_equal(const std::vector<size_t>& lines, const std::vector<fragment>& parts)
{
    double sum = 0, squares = 0;
    for (const size_t line : lines) {
        const double level = 10 * std::log10(parts[line].level());
        sum += level;
        squares += level * level;
    }
    const double mean = sum / lines.size();
    return squares / lines.size() - mean * mean < equal_db * equal_db;
}

// Lines at about one time, by their middles: those of combs.
std::vector<std::vector<size_t>> combs_of(const std::vector<size_t>& lines,
                                          const std::vector<fragment>& parts)
{
    profile middles;
    for (const size_t line : lines)
        middles.push_back((parts[line].edges.low + parts[line].edges.high) / 2);
    const double grid = parts[lines[0]].grid, step = usual_step(middles, grid);
    std::vector<std::vector<size_t>> chains, combs; // places in `lines`, and lines
    for (size_t n = 0; n < lines.size(); n++) {
        if (step == 0 || parts[lines[n]].width() >= 0.4 * step + 2 * grid)
            continue;
        const auto goes_on = [&](const std::vector<size_t>& chain) {
            const double steps = (middles[n] - middles[chain.back()]) / step;
            return steps > 0.5 && steps < skipped &&
                   std::abs(steps - std::nearbyint(steps)) * step < 0.04 * step + grid;
        };
        const auto chain = std::find_if(chains.begin(), chains.end(), goes_on);
        if (chain == chains.end())
            chains.push_back({ n });
        else
            chain->push_back(n);
    }
    for (const auto& chain : chains) {
        if (chain.size() < teeth)
            continue;
        combs.emplace_back();
        for (const size_t n : chain)
            combs.back().push_back(lines[n]);
    }
    std::vector<size_t> narrow;
    for (const size_t line : lines)
        if (parts[line].width() < thin_bins * grid)
            narrow.push_back(line);
    if (narrow.size() >= many && are_equal(narrow, parts))
        combs.assign(1, narrow);
    return combs;
}

// Lines that are on at the same time, at equal distances: of a television picture, of a
// clock. Or so many of equal power that they are those of a code that repeats, or the
// pilots of a grid of carriers that fills the band.
std::vector<fragment> combs_joined(std::vector<fragment> parts)
{
    std::vector<size_t> left(parts.size());
    std::iota(left.begin(), left.end(), 0);
    std::stable_sort(left.begin(), left.end(), [&](size_t a, size_t b) {
        return parts[a].length() > parts[b].length();
    });
    std::vector<char> there(parts.size(), true);
    std::vector<fragment> combs;
    while (left.size() >= teeth) {
        // With the longest of them: hops come one after another.
        const box longest = parts[left[0]].edges;
        std::vector<size_t> lines, others;
        for (const size_t i : left) {
            const box& edges = parts[i].edges;
            const double both =
                overlap(edges.start, edges.stop, longest.start, longest.stop);
            (both > lasting * (longest.stop - longest.start) ? lines : others).push_back(i);
        }
        left = std::move(others);
        if (lines.size() < teeth)
            continue;
        std::stable_sort(lines.begin(), lines.end(), [&](size_t a, size_t b) {
            return parts[a].edges.low + parts[a].edges.high <
                   parts[b].edges.low + parts[b].edges.high;
        });
        for (const std::vector<size_t>& comb : combs_of(lines, parts)) {
            std::vector<fragment> members;
            for (const size_t line : comb) {
                members.push_back(parts[line]);
                there[line] = false;
            }
            combs.push_back(combined(members));
        }
    }
    std::vector<fragment> kept;
    for (size_t i = 0; i < parts.size(); i++)
        if (there[i])
            kept.push_back(std::move(parts[i]));
    kept.insert(kept.end(), combs.begin(), combs.end());
    return kept;
}

bool may_be_tones(const fragment& one, const fragment& other)
{
    const double gap = other.edges.low - one.edges.high;
    const auto [weak, strong] =
        std::minmax({ one.level(), std::max(other.level(), 1e-30) });
    // one transmitter sends its tones, as narrow, at about one power
    return gap >= 0 && gap <= farthest * std::min(one.width(), other.width()) &&
           strong < one_power * weak && same_time(one, other);
}

bool are_tones(const fragment& one, const fragment& other, const layer_list& layers)
{
    return coincide(one, other, layers.front()->shape.hop) || twins(one, other) ||
           likeness(one.edges.start,
                    one.edges.stop,
                    { one.edges.low, one.edges.high },
                    { other.edges.low, other.edges.high },
                    layers) > alike;
}

std::vector<fragment> tones_joined(std::vector<fragment> parts, const layer_list& layers)
{
    std::stable_sort(
        parts.begin(), parts.end(), [](const fragment& a, const fragment& b) {
            return a.edges.low < b.edges.low;
        });
    for (size_t place = 0; place < parts.size();) {
        size_t other = place + 1;
        for (size_t compared = 0; other < parts.size(); other++) {
            if (!may_be_tones(parts[place], parts[other]))
                continue;
            if (++compared > next_parts)
                other = parts.size();
            if (other >= parts.size() || are_tones(parts[place], parts[other], layers))
                break;
        }
        if (other >= parts.size()) {
            place++;
            continue;
        }
        parts[place] = combined({ parts[place], parts[other] });
        parts.erase(parts.begin() + other);
    }
    return parts;
}

std::vector<fragment> copies_joined(const std::vector<fragment>& parts,
                                    const layer_list& layers)
{
    std::vector<fragment> kept;
    for (const std::vector<size_t>& group : copies_of(parts, layers)) {
        std::vector<fragment> members;
        for (const size_t place : group)
            members.push_back(parts[place]);
        kept.push_back(members.size() > 1 ? combined(members) : std::move(members[0]));
    }
    return kept;
}

} // namespace

std::vector<candidate> without_echoes(const std::vector<candidate>& boxes,
                                      const layer_list& layers)
{
    std::vector<candidate> kept;
    for (const candidate& line : boxes) {
        const layer& by = *layers[std::min(views[line.view].layer, layers.size() - 1)];
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
                overlap(
                    one.start, one.stop, line.edges.start - hop, line.edges.stop + hop) >
                    0)
                over.push_back(one);
        }
        if (over.empty() || !is_echo(line, over, by))
            kept.push_back(line);
    }
    return kept;
}

std::vector<fragment> joined(std::vector<fragment> parts, const layer_list& layers)
{
    parts = sidebands_joined(combs_joined(std::move(parts)), layers);
    return copies_joined(tones_joined(std::move(parts), layers), layers);
}

} // namespace gr::wfm::finding
