// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/copies.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace gr::wfm::finding {

namespace {

constexpr double most_apart = 12e3; // Hz between the middles of two copies
constexpr double most_widths = 1.0; // or of the wider one between the two
constexpr double most_side = 4e3;   // Hz beside the strongest bin that are compared
constexpr size_t core = 3;          // bins beside it that are not: the carrier's own
constexpr size_t few_rows = 6, few_bins = 10;
constexpr size_t next_parts = 8;          // above in frequency, at most, compared with one
constexpr double most_over = 30.0;        // power of one over that of the other
constexpr double like = 0.05, sure = 5.0; // correlation, and over its deviation by chance
constexpr double together = 0.7;          // time that both are on over that of any

struct stretch {
    size_t first, last;
};

bool may_be_copies(const fragment& one, const fragment& other)
{
    const double apart =
        (other.edges.low + other.edges.high - one.edges.low - one.edges.high) / 2;
    const double widest = std::max(one.width(), other.width());
    if (apart > most_apart && other.edges.low - one.edges.high > most_widths * widest)
        return false;
    const auto [less, more] = std::minmax({ one.level(), other.level() });
    if (!(more > 0 && more < most_over * less))
        return false;
    const double shared =
        overlap(one.edges.start, one.edges.stop, other.edges.start, other.edges.stop);
    return shared > together * (std::max(one.edges.stop, other.edges.stop) -
                                std::min(one.edges.start, other.edges.start));
}

size_t strongest(const fragment& part, const layer& by, const stretch& rows)
{
    const auto [a, b] = by.bins(part.edges.low, part.edges.high);
    const profile mean = mean_over_rows(by, rows.first, rows.last, a, b);
    return a + (std::max_element(mean.begin(), mean.end()) - mean.begin());
}

// How log power beside a bin rises from each bin to the next but one, less what it does
// on average; of norm 1. Without the rises, what is loud and silent at times would go
// alike with whatever else is.
profile pattern(const layer& by, const stretch& rows, size_t middle, size_t side)
{
    const size_t height = rows.last - rows.first, half = side - core - 1;
    const size_t width = 2 * half;
    profile rises(height * width), of_bin(width), line(2 * side + 1);
    for (size_t r = 0; r < height; r++) {
        const float* row = by.row(rows.first + r) + middle - side;
        for (size_t i = 0; i < line.size(); i++)
            line[i] = std::log(static_cast<double>(std::max(row[i], 1e-3f)));
        for (size_t i = 0; i < width; i++) {
            const size_t bin = i < half ? i : side + core + i - half;
            rises[r * width + i] = line[bin + 2] - line[bin];
            of_bin[i] += rises[r * width + i] / height;
        }
    }
    double squares = 0;
    for (size_t r = 0; r < height; r++)
        for (size_t i = 0; i < width; i++) {
            rises[r * width + i] -= of_bin[i];
            squares += rises[r * width + i] * rises[r * width + i];
        }
    const double norm = std::max(std::sqrt(squares), 1e-30);
    for (double& rise : rises)
        rise /= norm;
    return rises;
}

// Whether what lies beside the strongest bin of each goes alike in time and frequency.
bool are_copies(const fragment& one, const fragment& other, const layer& by)
{
    const auto shared = by.rows_of(std::max(one.edges.start, other.edges.start),
                                   std::min(one.edges.stop, other.edges.stop));
    const stretch rows{ shared.first, shared.second };
    if (rows.last - rows.first < few_rows)
        return false;
    const size_t at = strongest(one, by, rows), to = strongest(other, by, rows);
    const auto [low, high] = std::minmax({ at, to });
    const size_t side =
        std::min((high - low) / 2, static_cast<size_t>(most_side / by.width()));
    if (side < few_bins || low < side + 1 || high + side + 2 > by.shape.fft_size)
        return false;
    const profile mine = pattern(by, rows, at, side);
    double alike = 0;
    for (size_t shifted = to - 1; shifted <= to + 1; shifted++) {
        // The bins of one need not lie as those of the other do.
        const profile theirs = pattern(by, rows, shifted, side);
        alike = std::max(
            alike, std::inner_product(mine.begin(), mine.end(), theirs.begin(), 0.0));
    }
    return alike > std::max(like, sure / std::sqrt(mine.size() / 2.0));
}

} // namespace

std::vector<std::vector<size_t>> copies_of(const std::vector<fragment>& parts,
                                           const layer_list& layers)
{
    std::vector<size_t> order(parts.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
        return parts[a].edges.low + parts[a].edges.high <
               parts[b].edges.low + parts[b].edges.high;
    });
    std::vector<size_t> group(parts.size()); // of each place in `order`
    std::iota(group.begin(), group.end(), 0);
    for (size_t i = 0; i < order.size(); i++)
        for (size_t j = i + 1, compared = 0; j < order.size(); j++) {
            const fragment &one = parts[order[i]], &other = parts[order[j]];
            if (!may_be_copies(one, other))
                continue;
            if (++compared > next_parts)
                break;
            const size_t from = group[j], to = group[i];
            if (from != to && are_copies(one, other, *layers.back()))
                std::replace(group.begin(), group.end(), from, to);
        }
    std::vector<std::vector<size_t>> groups;
    std::vector<size_t> place(parts.size(), SIZE_MAX); // of each group in those
    for (size_t i = 0; i < order.size(); i++) {
        size_t& at = place[group[i]];
        if (at == SIZE_MAX) {
            at = groups.size();
            groups.emplace_back();
        }
        groups[at].push_back(order[i]);
    }
    return groups;
}

} // namespace gr::wfm::finding
