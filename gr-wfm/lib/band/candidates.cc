// SPDX-License-Identifier: GPL-3.0-or-later
#include "band/candidates.h"
#include "band/simd.h"
#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <cstring>
#include <numeric>

namespace gr::wfm::finding {

namespace {

constexpr double spread_of_floors = 1.12;
constexpr double chance_of_low = 0.015;
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

// Of two rows, or three.
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

WFM_VECTORISED void compare(const float* means, float limit, size_t size, uint8_t* over)
{
    for (size_t i = 0; i < size; i++)
        over[i] = means[i] > limit;
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

double view::freedom() const
{
    // Hann windows at half a row's hop: power correlates by 4/9 and 1/36 between bins one
    // and two apart, and by 1/36 between rows.
    const double all = group * bins;
    const double along =
        all + (all > 1 ? 2 * (all - 1) * 4 / 9 : 0) + (all > 2 ? 2 * (all - 2) / 36 : 0);
    const double down = rows + 2 * (rows - 1) / 36.0;
    return (rows * all) * (rows * all) / (along * down);
}

limits thresholds(const view& by, double cells_per_second, double false_alarms)
{
    const double freedom = by.freedom();
    const double chance = std::min(false_alarms / cells_per_second, 0.01);
    const auto limit = [freedom](double tail) {
        return static_cast<float>(boost::math::gamma_q_inv(freedom, tail) / freedom *
                                  spread_of_floors);
    };
    return { limit(chance), limit(chance_of_low) };
}

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
    const size_t size = in.shape.fft_size / d_view.group;
    if (!mark(cells, in.rows, size))
        return;
    connect(in.rows, size);
    measure(in, cells, size, found);
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
bool candidate_finder::mark(const float* cells, size_t rows, size_t size)
{
    d_marked.clear();
    d_strong.clear();
    d_first.assign(1, 0);
    d_line.assign(size + 2, static_cast<float>(d_view.rows)); // a bin more on each side
    d_means.resize(size);
    d_over.assign(size + 8, 0);
    const values noise(size, 1.0f);
    float* line = d_line.data() + 1;
    bool any = false;
    for (size_t row = 0; row < rows; row++) {
        const float* now = cells + row * size;
        const float* before = row > 0 ? now - size : noise.data();
        const float* after = row + 1 < rows ? now + size : noise.data();
        add_rows(before, now, d_view.rows == 3 ? after : nullptr, size, line);
        const float scale = 1.0f / (d_view.rows * d_view.bins);
        mean_bins(line, d_view.bins, size, scale, d_means.data());
        compare(d_means.data(), d_limits.low, size, d_over.data());
        for (size_t i = 0; i < size; i += 8) {
            uint64_t eight;
            std::memcpy(&eight, &d_over[i], 8);
            for (size_t j = i; eight != 0 && j < i + 8; j++) {
                if (!d_over[j])
                    continue;
                const bool strong = d_means[j] > d_limits.high;
                any = any || strong;
                d_marked.push_back(j);
                d_strong.push_back(strong);
            }
        }
        d_first.push_back(d_marked.size());
    }
    return any;
}

size_t candidate_finder::root(size_t run)
{
    while (d_runs[run].parent != run)
        run = d_runs[run].parent = d_runs[d_runs[run].parent].parent;
    return run;
}

// What hangs together once each marked cell is grown by one on all sides: runs of grown
// cells in each row, joined where they touch one of the row before.
void candidate_finder::connect(size_t rows, size_t size)
{
    d_runs.clear();
    d_runs_first.assign(1, 0);
    for (size_t row = 0; row < rows; row++) {
        const size_t first_run = d_runs.size();
        // The marked bins of this row and its neighbours, in order.
        const size_t top = row > 0 ? row - 1 : 0, bottom = std::min(row + 1, rows - 1);
        size_t next[3];
        for (size_t near = top; near <= bottom; near++)
            next[near - top] = d_first[near];
        for (;;) {
            constexpr uint32_t none = UINT32_MAX;
            uint32_t bin = none;
            size_t from_row = 0;
            for (size_t near = top; near <= bottom; near++) {
                const size_t at = next[near - top];
                if (at < d_first[near + 1] && d_marked[at] < bin) {
                    bin = d_marked[at];
                    from_row = near - top;
                }
            }
            if (bin == none)
                break;
            next[from_row]++;
            const size_t from = bin > 0 ? bin - 1 : 0;
            const size_t to = std::min<size_t>(bin + 2, size);
            if (d_runs.size() > first_run && d_runs.back().last >= from)
                d_runs.back().last = std::max(d_runs.back().last, to);
            else
                d_runs.push_back({ row, from, to, d_runs.size(), false });
        }
        if (row > 0) {
            size_t above = d_runs_first[row - 1];
            for (size_t i = first_run; i < d_runs.size(); i++) {
                while (above < first_run && d_runs[above].last <= d_runs[i].first)
                    above++;
                for (size_t j = above; j < first_run && d_runs[j].first < d_runs[i].last;
                     j++) {
                    const size_t a = root(i), b = root(j);
                    d_runs[std::max(a, b)].parent = std::min(a, b);
                }
            }
        }
        d_runs_first.push_back(d_runs.size());
    }
    for (size_t row = 0; row < rows; row++) {
        size_t run = d_runs_first[row];
        for (size_t i = d_first[row]; i < d_first[row + 1]; i++) {
            while (d_runs[run].last <= d_marked[i])
                run++;
            if (d_strong[i])
                d_runs[root(run)].strong = true;
        }
    }
}

void candidate_finder::measure(const layer& in,
                               const float* cells,
                               size_t size,
                               std::vector<candidate>& found)
{
    struct extent {
        size_t top, bottom, left, right;
        std::vector<std::pair<uint32_t, uint32_t>> marked; // row and bin
    };
    std::vector<extent> boxes;
    std::vector<uint32_t> box_of(d_runs.size(),
                                 0); // of a tree's root: 0, or its place + 1
    for (size_t row = 0; row < in.rows; row++) {
        size_t run = d_runs_first[row], found_for = SIZE_MAX;
        extent* box = nullptr;
        for (size_t i = d_first[row]; i < d_first[row + 1]; i++) {
            const size_t bin = d_marked[i];
            while (d_runs[run].last <= bin)
                run++;
            if (run != found_for) {
                found_for = run;
                const size_t top = root(run);
                if (d_runs[top].strong && box_of[top] == 0) {
                    boxes.push_back({ row, row + 1, bin, bin + 1, {} });
                    box_of[top] = boxes.size();
                }
                box = d_runs[top].strong ? &boxes[box_of[top] - 1] : nullptr;
            }
            if (!box)
                continue;
            box->bottom = row + 1;
            box->left = std::min(box->left, bin);
            box->right = std::max(box->right, bin + 1);
            box->marked.push_back({ row, bin });
        }
    }
    const double width = in.rate / size, half = in.rate / 2;
    const double hop = in.shape.hop, unit = hop / size;
    for (const extent& box : boxes) {
        std::vector<double> by_row(box.bottom - box.top), by_bin(box.right - box.left);
        double energy = 0;
        for (const auto& [row, bin] : box.marked) {
            const double more = std::max(cells[row * size + bin] - 1.0f, 0.0f);
            by_row[row - box.top] += more;
            by_bin[bin - box.left] += more;
            energy += more;
        }
        // Cells can be marked for what is beside them alone.
        if (energy <= 0)
            continue;
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
