// SPDX-License-Identifier: GPL-3.0-or-later
#include "band/floor.h"
#include "band/simd.h"
#include <algorithm>
#include <cmath>

namespace gr::wfm::finding {

namespace {

constexpr size_t most_rows = 128;
constexpr float tiny = 1e-30f;
constexpr size_t lanes = 32; // bins at a time: two cache lines of each row

// The mean of an exponential of mean 1 below 3.
const float truncated_mean = 1 - 3 * std::exp(-3.0) / (1 - std::exp(-3.0));

// The rows [rows][lanes] of each lane in order. Batcher's merge exchange (Knuth, The Art
// of Computer Programming, 5.2.2, algorithm M) compares the same rows whatever is in
// them, and so all lanes at once.
WFM_VECTORISED void sort_rows(float* power, size_t rows)
{
    size_t top = 1;
    while (2 * top < rows)
        top *= 2;
    for (size_t p = top; p > 0; p /= 2) {
        size_t r = 0, d = p;
        for (size_t q = top;; q /= 2) {
            for (size_t i = 0; i + d < rows; i++) {
                if ((i & p) != r)
                    continue;
                float *one = power + i * lanes, *other = one + d * lanes;
                for (size_t lane = 0; lane < lanes; lane++) {
                    const float low = std::min(one[lane], other[lane]);
                    other[lane] = std::max(one[lane], other[lane]);
                    one[lane] = low;
                }
            }
            if (q == p)
                break;
            d = q - p;
            r = p;
        }
    }
}

// Mean below 3 times the level, corrected; the level, if nothing is. `passes` times. The
// rows are in order, so that those below the limits of all lanes are summed once.
WFM_VECTORISED void censor(const float* power, size_t rows, size_t passes, float* level)
{
    constexpr size_t few = 8;            // whose sums the processor holds in registers
    float below[most_rows * 2 + 1][few]; // sums of so many rows
    for (size_t first = 0; first < lanes; first += few) {
        const float* of = power + first;
        float* now = level + first;
        std::fill_n(below[0], few, 0.0f);
        for (size_t row = 0; row < rows; row++)
            for (size_t lane = 0; lane < few; lane++)
                below[row + 1][lane] = below[row][lane] + of[row * lanes + lane];
        size_t row = rows;
        for (size_t pass = 0; pass < passes; pass++) {
            float sum[few], count[few], limit[few];
            const auto under = [&](size_t at) {
                int number = 0;
                for (size_t lane = 0; lane < few; lane++)
                    number += of[at * lanes + lane] < limit[lane];
                return number;
            };
            for (size_t lane = 0; lane < few; lane++)
                limit[lane] = 3 * now[lane];
            while (row > 0 && under(row - 1) < static_cast<int>(few))
                row--;
            for (size_t lane = 0; lane < few; lane++) {
                sum[lane] = below[row][lane];
                count[lane] = row;
            }
            for (size_t more = row; more < rows && under(more) > 0; more++)
                for (size_t lane = 0; lane < few; lane++) {
                    const float value = of[more * lanes + lane];
                    sum[lane] += value < limit[lane] ? value : 0.0f;
                    count[lane] += value < limit[lane] ? 1.0f : 0.0f;
                }
            for (size_t lane = 0; lane < few; lane++) {
                const float mean =
                    sum[lane] / std::max(count[lane], 1.0f) / truncated_mean;
                now[lane] = std::max(count[lane] > 0 ? mean : now[lane], tiny);
            }
        }
    }
}

} // namespace

values quiet_level(const layer_rows& power)
{
    std::vector<const float*> good;
    for (size_t r = 0; r < power.rows(); r++)
        if (power.good(r))
            good.push_back(power.row(r));
    const size_t size = power.shape().fft_size;
    const auto silent = [size](const float* row) {
        return std::all_of(row, row + size, [](float value) { return value == 0; });
    };
    if (std::all_of(good.begin(), good.end(), silent))
        return {};
    const size_t step = std::max<size_t>(1, good.size() / most_rows);
    std::vector<const float*> some;
    for (size_t r = 0; r < good.size(); r += step)
        some.push_back(good[r]);
    const double n = some.size();
    const auto place = static_cast<size_t>(0.2 * (n - 1) + 0.5);
    const auto scale = static_cast<float>(-std::log(1 - (place + 0.6) / (n + 0.2)));
    values level(size);
    volk::vector<float> block(some.size() * lanes);
    for (size_t bin = 0; bin < size; bin += lanes) {
        const size_t count = std::min(lanes, size - bin);
        for (size_t r = 0; r < some.size(); r++)
            std::copy_n(some[r] + bin, count, &block[r * lanes]);
        sort_rows(block.data(), some.size());
        float part[lanes];
        for (size_t lane = 0; lane < lanes; lane++)
            part[lane] = std::max(block[place * lanes + lane] / scale, tiny);
        censor(block.data(), some.size(), 4, part);
        std::copy_n(part, count, &level[bin]);
    }
    return level;
}

values local_floor(const values& level, size_t rows, size_t width)
{
    const size_t size = level.size();
    const size_t by_rows = static_cast<size_t>(512.0 / std::min(rows, most_rows)) | 1;
    const size_t few = std::max<size_t>(3, std::min(size / 16, by_rows) | 1);
    const values smooth = uniform_filter(level, few, beyond::reflect);
    values opened = maximum_filter(minimum_filter(smooth, width | 1), width | 1);
    values near(size), ratio(size);
    for (size_t i = 0; i < size; i++) {
        opened[i] = std::max(opened[i], tiny);
        const float over = smooth[i] / opened[i];
        near[i] = over < 1.6f;
        ratio[i] = over < 1.6f ? over : 0.0f;
    }
    const size_t span = std::max(few, width / 2) | 1;
    const values weight = uniform_filter(near, span, beyond::reflect);
    const values mean = uniform_filter(ratio, span, beyond::reflect);
    for (size_t i = 0; i < size; i++) {
        const float bias = weight[i] > 0.02f ? mean[i] / weight[i] : 1.0f;
        opened[i] = std::max(opened[i] * bias, tiny);
    }
    return opened;
}

values common_floor(const std::vector<values>& floors)
{
    values floor = floors[0];
    for (size_t i = 1; i < floors.size(); i++) {
        const values other = spread(floors[i], floor.size());
        for (size_t bin = 0; bin < floor.size(); bin++)
            if (other[bin] < 0.8f * floor[bin])
                floor[bin] = other[bin];
    }
    return floor;
}

values spread(const values& floor, size_t size)
{
    const size_t count = floor.size();
    if (size == count)
        return floor;
    values out(size);
    if (size < count) { // bin k is centred on k count / size
        const size_t times = count / size;
        for (size_t bin = 0; bin < size; bin++) {
            double sum = 0;
            for (size_t i = 0; i < times; i++)
                sum += floor[(bin * times + i + count - times / 2) % count];
            out[bin] = sum / times;
        }
        return out;
    }
    for (size_t bin = 0; bin < size; bin++)
        out[bin] = interpolated(floor, static_cast<double>(bin) * count / size);
    return out;
}

} // namespace gr::wfm::finding
