// SPDX-License-Identifier: GPL-3.0-or-later
#include "band/arrays.h"
#include <algorithm>
#include <cmath>
#include <deque>

namespace gr::wfm::finding {

namespace {

size_t place_in(long at, long count, beyond ends)
{
    if (ends == beyond::nearest)
        return std::clamp<long>(at, 0, count - 1);
    at %= 2 * count;
    if (at < 0)
        at += 2 * count;
    return at < count ? at : 2 * count - 1 - at;
}

template <typename before>
values extreme_filter(const values& in, size_t size, before better)
{
    const long count = in.size(), half = size / 2;
    values out(count);
    std::deque<std::pair<long, float>> best;
    for (long at = -half; at < count + half; at++) {
        const float value = in[place_in(at, count, beyond::reflect)];
        while (!best.empty() && !better(best.back().second, value))
            best.pop_back();
        best.push_back({ at, value });
        if (best.front().first < at - 2 * half)
            best.pop_front();
        if (at >= half)
            out[at - half] = best.front().second;
    }
    return out;
}

} // namespace

template <typename number>
std::vector<number>
uniform_filter(const std::vector<number>& in, size_t size, beyond ends)
{
    const long count = in.size(), before = size / 2;
    std::vector<number> out(count);
    double sum = 0;
    for (long at = -before; at < static_cast<long>(size) - before; at++)
        sum += in[place_in(at, count, ends)];
    for (long at = 0; at < count; at++) {
        out[at] = static_cast<number>(sum / size);
        sum += static_cast<double>(in[place_in(at + size - before, count, ends)]) -
               in[place_in(at - before, count, ends)];
    }
    return out;
}

template std::vector<float>
uniform_filter(const std::vector<float>& in, size_t size, beyond ends);
template std::vector<double>
uniform_filter(const std::vector<double>& in, size_t size, beyond ends);

values minimum_filter(const values& in, size_t size)
{
    return extreme_filter(in, size, [](float a, float b) { return a < b; });
}

values maximum_filter(const values& in, size_t size)
{
    return extreme_filter(in, size, [](float a, float b) { return a > b; });
}

double quantile(std::vector<double> of, double share)
{
    const double at = share * (of.size() - 1);
    const auto low = static_cast<size_t>(at);
    std::nth_element(of.begin(), of.begin() + low, of.end());
    const double first = of[low];
    if (low + 1 == of.size())
        return first;
    const double second = *std::min_element(of.begin() + low + 1, of.end());
    return first + (second - first) * (at - low);
}

float interpolated(const values& of, double at)
{
    const auto low = static_cast<size_t>(at);
    if (low + 1 >= of.size())
        return of.back();
    return static_cast<float>(of[low] +
                              (static_cast<double>(of[low + 1]) - of[low]) * (at - low));
}

} // namespace gr::wfm::finding
