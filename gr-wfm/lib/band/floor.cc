// SPDX-License-Identifier: GPL-3.0-or-later
#include "band/floor.h"
#include "band/simd.h"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

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

// Eight bins, which compilers keep in one register of AVX2 or in two of SSE2 and NEON.
constexpr size_t few = 8;
typedef float eight __attribute__((vector_size(few * sizeof(float))));
typedef int32_t eight_marks __attribute__((vector_size(few * sizeof(int32_t))));

bool any(const eight_marks& marks)
{
    uint64_t parts[few / 2];
    std::memcpy(parts, &marks, sizeof(parts));
    return parts[0] | parts[1] | parts[2] | parts[3];
}

// Mean below 3 times the level, corrected; the level, if nothing is. `passes` times. The
// rows are in order, so that those below the limits of all lanes are summed once.
WFM_VECTORISED void censor(const float* power, size_t rows, size_t passes, float* level)
{
    eight below[most_rows * 2 + 1]; // sums of so many rows
    eight row_of[most_rows * 2];
    for (size_t first = 0; first < lanes; first += few) {
        below[0] = eight{};
        for (size_t row = 0; row < rows; row++) {
            std::memcpy(&row_of[row], power + row * lanes + first, sizeof(eight));
            below[row + 1] = below[row] + row_of[row];
        }
        eight now;
        std::memcpy(&now, level + first, sizeof(now));
        size_t row = rows;
        for (size_t pass = 0; pass < passes; pass++) {
            const eight limit = 3 * now;
            while (row > 0 && any(row_of[row - 1] >= limit))
                row--;
            eight sum = below[row], count = eight{} + static_cast<float>(row);
            for (size_t more = row; more < rows; more++) {
                const eight_marks under = row_of[more] < limit;
                if (!any(under))
                    break;
                sum += under ? row_of[more] : eight{};
                count += under ? eight{} + 1 : eight{};
            }
            const eight mean = sum / (count > 1 ? count : eight{} + 1) / truncated_mean;
            const eight next = count > 0 ? mean : now;
            now = next > tiny ? next : eight{} + tiny;
        }
        std::memcpy(level + first, &now, sizeof(now));
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

values leaked(const values& floor)
{
    const size_t count = floor.size();
    values seen(count);
    for (size_t bin = 0; bin < count; bin++) {
        const float below = floor[(bin + count - 1) % count];
        const float above = floor[(bin + 1) % count];
        seen[bin] = std::max(floor[bin], (4 * floor[bin] + below + above) / 6);
    }
    return seen;
}

} // namespace gr::wfm::finding
