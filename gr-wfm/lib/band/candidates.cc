// SPDX-License-Identifier: GPL-3.0-or-later
#include "band/candidates.h"
#include "band/bits.h"
#include "band/simd.h"
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace gr::wfm::finding {

namespace {

constexpr double left_out = 0.005;

// First and last + 1 place of what holds all but `left_out` of the energy at each side.
std::pair<size_t, size_t> most_of(const std::vector<double>& energy)
{
    std::vector<double> total(energy.size());
    std::partial_sum(energy.begin(), energy.end(), total.begin());
    const double whole = total.back();
    const size_t last_place = energy.size() - 1;
    const size_t first =
        std::upper_bound(total.begin(), total.end(), left_out * whole) - total.begin();
    const size_t last =
        std::lower_bound(total.begin(), total.end(), (1 - left_out) * whole) -
        total.begin();
    return { std::min(first, last_place), std::min(last, last_place) + 1 };
}

constexpr size_t at_once = 1024; // bins, whose means stay in the nearest cache

// Sums of two rows, or three.
WFM_VECTORISED void add_rows(
    const float* before, const float* now, const float* after, size_t size, float* sum)
{
    if (after)
        for (size_t i = 0; i < size; i++)
            sum[i] = before[i] + now[i] + after[i];
    else
        for (size_t i = 0; i < size; i++)
            sum[i] = before[i] + now[i];
}

// Of two bins, or three, of which one more is on either side of the line.
WFM_VECTORISED void
mean_bins(const float* line, size_t bins, size_t size, float scale, float* means)
{
    const float *left = line - 1, *right = line + 1;
    if (bins == 3)
        for (size_t i = 0; i < size; i++)
            means[i] = (left[i] + line[i] + right[i]) * scale;
    else
        for (size_t i = 0; i < size; i++)
            means[i] = (left[i] + line[i]) * scale;
}

// Which are over a limit, 1 or 0; returns how many.
WFM_VECTORISED int compare(const float* means, float limit, size_t size, uint8_t* over)
{
    int count = 0;
    for (size_t i = 0; i < size; i++) {
        over[i] = means[i] > limit;
        count += means[i] > limit;
    }
    return count;
}

WFM_VECTORISED void mean_of_eight(const float* from, size_t count, float* means)
{
    for (size_t i = 0; i < count; i++) {
        float sum = 0;
        for (size_t j = 0; j < 8; j++)
            sum += from[8 * i + j];
        means[i] = sum / 8;
    }
}

} // namespace

double candidate::outside(double low, double high) const
{
    const double width = (edges.high - edges.low) / bins.size();
    double apart = 0, whole = 0;
    for (size_t i = 0; i < bins.size(); i++) {
        whole += bins[i];
        if (edges.low + (i + 1) * width <= low || edges.low + i * width >= high)
            apart += bins[i];
    }
    return apart / std::max(whole, 1e-30);
}

double candidate::worth() const { return energy - area * std::log1p(energy / area); }

void candidate_finder::find(const layer& in, std::vector<candidate>& found)
{
    if (in.rows == 0)
        return;
    const float* cells = cells_of(in);
    d_size = in.shape.fft_size / d_view.group;
    d_words = (d_size + word_bits - 1) / word_bits;
    if (!mark(cells, in.rows))
        return;
    connect(in.rows);
    measure(in, cells, found);
}

const float* candidate_finder::cells_of(const layer& in)
{
    if (d_view.group == 1)
        return in.ratio;
    static_assert(views[2].group == 8, "the only group there is");
    const size_t count = in.rows * in.shape.fft_size / d_view.group;
    if (d_grouped.size() < count)
        d_grouped.resize(count);
    mean_of_eight(in.ratio, count, d_grouped.data());
    return d_grouped.data();
}

// The cells whose mean with their neighbours is over a limit. What is beyond the frame
// counts as noise. False: none is over the high one.
bool candidate_finder::mark(const float* cells, size_t rows)
{
    d_marked.assign(rows * d_words, 0);
    d_strong.clear();
    d_line.resize(std::min(at_once, d_size) + 2); // a bin more on each side
    d_means.resize(d_size);
    d_over.assign((d_size + 7) / 8 * 8, 0); // as packed
    d_noise.assign(d_size, 1.0f);
    const float beyond = d_view.rows; // of the band
    const float scale = 1.0f / (d_view.rows * d_view.bins);
    for (size_t row = 0; row < rows; row++) {
        const float* now = cells + row * d_size;
        const float* before = row > 0 ? now - d_size : d_noise.data();
        const float* next = row + 1 < rows ? now + d_size : d_noise.data();
        const float* after = d_view.rows == 3 ? next : nullptr;
        for (size_t at = 0; at < d_size; at += at_once) {
            const size_t count = std::min(at_once, d_size - at);
            const size_t from = at > 0 ? at - 1 : 0;
            const size_t to = std::min(at + count + 1, d_size);
            d_line.front() = d_line[count + 1] = beyond;
            add_rows(before + from,
                     now + from,
                     after ? after + from : nullptr,
                     to - from,
                     d_line.data() + (at > 0 ? 0 : 1));
            mean_bins(d_line.data() + 1, d_view.bins, count, scale, &d_means[at]);
        }
        uint64_t* marked = &d_marked[row * d_words];
        if (compare(d_means.data(), d_limits.low, d_size, d_over.data()) == 0)
            continue;
        pack(d_over.data(), d_size, marked);
        for_each_bit(marked, 0, d_size, [&](size_t bin) {
            if (d_means[bin] > d_limits.high)
                d_strong.push_back({ row, bin });
        });
    }
    return !d_strong.empty();
}

size_t candidate_finder::root(size_t run)
{
    while (d_runs[run].parent != run)
        run = d_runs[run].parent = d_runs[d_runs[run].parent].parent;
    return run;
}

// What hangs together once each marked cell is grown by one on all sides: runs of grown
// cells in each row, joined where they touch one of the row before.
void candidate_finder::connect(size_t rows)
{
    d_runs.clear();
    d_runs_first.assign(1, 0);
    d_grown.resize(d_words);
    for (size_t row = 0; row < rows; row++) {
        const size_t first_run = d_runs.size();
        const uint64_t* now = &d_marked[row * d_words];
        const uint64_t* const near[3] = { row > 0 ? now - d_words : now,
                                          now,
                                          row + 1 < rows ? now + d_words : now };
        grow(near, d_words, d_size, d_grown.data());
        for_each_run(d_grown.data(), d_words, [&](size_t first, size_t last) {
            d_runs.push_back({ first, last, d_runs.size(), false });
        });
        size_t above = row > 0 ? d_runs_first[row - 1] : first_run;
        for (size_t i = first_run; i < d_runs.size(); i++) {
            while (above < first_run && d_runs[above].last <= d_runs[i].first)
                above++;
            for (size_t j = above; j < first_run && d_runs[j].first < d_runs[i].last;
                 j++) {
                const size_t a = root(i), b = root(j);
                d_runs[std::max(a, b)].parent = std::min(a, b);
            }
        }
        d_runs_first.push_back(d_runs.size());
    }
    size_t run = 0;
    for (const auto& [row, bin] : d_strong) {
        for (run = std::max(run, d_runs_first[row]); d_runs[run].last <= bin; run++)
            ;
        d_runs[root(run)].strong = true;
    }
}

// Calls for each run that hangs together with a strong cell, with its row and its root.
template <typename function>
void candidate_finder::for_each_strong_run(function call)
{
    for (size_t row = 0; row + 1 < d_runs_first.size(); row++)
        for (size_t i = d_runs_first[row]; i < d_runs_first[row + 1]; i++)
            if (const size_t top = root(i); d_runs[top].strong)
                call(row, d_runs[i], top);
}

// What hangs together with a strong cell, by its first marked one.
std::vector<candidate_finder::extent> candidate_finder::extents(const float* cells)
{
    std::vector<extent> boxes;
    std::vector<uint32_t> place_of(d_runs.size()); // of a root: 0, or its place + 1
    for_each_strong_run([&](size_t row, const run& part, size_t top) {
        if (place_of[top] == 0) {
            boxes.push_back({});
            boxes.back().row = row;
            boxes.back().bin = part.first;
            place_of[top] = boxes.size();
        }
        extent& box = boxes[place_of[top] - 1];
        box.bin = std::min(box.bin, part.first);
        box.bottom = row + 1;
        box.right = std::max(box.right, part.last);
    });
    for (extent& box : boxes) {
        box.by_row.resize(box.bottom - box.row);
        box.by_bin.resize(box.right - box.bin);
        box.top = box.bottom;
        box.left = std::exchange(box.right, 0);
    }
    std::vector<extent*> order;
    for_each_strong_run([&](size_t row, const run& part, size_t top) {
        extent& box = boxes[place_of[top] - 1];
        const float* line = cells + row * d_size;
        const uint64_t* marked = &d_marked[row * d_words];
        size_t first = part.last, last = 0;
        double sum = 0;
        for_each_bit(marked, part.first, part.last, [&](size_t bin) {
            const double more = std::max(line[bin] - 1.0f, 0.0f);
            box.by_bin[bin - box.bin] += more;
            sum += more;
            first = std::min(first, bin);
            last = bin + 1;
        });
        if (last == 0) // all of it is beside cells of other rows
            return;
        if (box.right == 0) {
            box.top = row;
            order.push_back(&box);
        }
        box.bottom = row + 1;
        box.left = std::min(box.left, first);
        box.right = std::max(box.right, last);
        box.by_row[row - box.row] += sum;
        box.energy += sum;
    });
    std::vector<extent> ordered;
    for (extent* box : order)
        ordered.push_back(std::move(*box));
    return ordered;
}

void candidate_finder::measure(const layer& in,
                               const float* cells,
                               std::vector<candidate>& found)
{
    const double width = in.rate / d_size, half = in.rate / 2;
    const double hop = in.shape.hop, unit = hop / d_size;
    for (const extent& box : extents(cells)) {
        const double energy = box.energy;
        // Cells can be marked for what is beside them alone.
        if (energy <= 0)
            continue;
        const std::vector<double> by_row(box.by_row.begin() + (box.top - box.row),
                                         box.by_row.begin() + (box.bottom - box.row));
        const std::vector<double> by_bin(box.by_bin.begin() + (box.left - box.bin),
                                         box.by_bin.begin() + (box.right - box.bin));
        const auto rows = most_of(by_row), bins = most_of(by_bin);
        candidate one;
        one.view = d_place;
        one.edges = { (box.top + rows.first) * hop,
                      (box.top + rows.second) * hop,
                      (box.left + bins.first) * width - half,
                      (box.left + bins.second) * width - half };
        one.energy = energy * unit;
        one.area =
            std::max((rows.second - rows.first) * (bins.second - bins.first) * unit, 0.5);
        // Of all that hangs together, what is near.
        const size_t top = box.top + rows.first, bottom = box.top + rows.second;
        const size_t left = box.left + bins.first, right = box.left + bins.second;
        const size_t rows_near = 2 + (bottom - top) / 10;
        const size_t bins_near = 2 + 3 * (right - left) / 10;
        one.outer = { std::max(box.top, top - std::min(top, rows_near)) * hop,
                      std::min(box.bottom, bottom + rows_near) * hop,
                      std::max(box.left, left - std::min(left, bins_near)) * width - half,
                      std::min(box.right, right + bins_near) * width - half };
        one.bins.assign(by_bin.begin() + bins.first, by_bin.begin() + bins.second);
        found.push_back(std::move(one));
    }
}

} // namespace gr::wfm::finding
