// SPDX-License-Identifier: GPL-3.0-or-later
#include "vrt/sample_clock.h"
#include <algorithm>
#include <cmath>

namespace gr::wfm {

namespace {

using wide = __int128;
constexpr wide second = picoseconds_per_second;
// What is further away is no loss; times of 32 bits of seconds fit the numbers below.
constexpr int64_t farthest_seconds = int64_t(1) << 33;
constexpr int64_t most_samples = int64_t(1) << 62;

} // namespace

exact_time to_exact_time(int64_t secs, double rest)
{
    const double whole = std::floor(rest);
    const auto picoseconds =
        static_cast<uint64_t>(std::llround((rest - whole) * picoseconds_per_second));
    const wide all = wide(secs) +
                     static_cast<int64_t>(std::clamp(whole, -9.0e18, 9.0e18)) +
                     (picoseconds >= picoseconds_per_second);
    const wide limit = INT64_MAX / 2;
    return { static_cast<int64_t>(std::clamp(all, -limit, limit)),
             picoseconds % picoseconds_per_second };
}

sample_clock::sample_clock(double sample_rate) : d_rate(sample_rate)
{
    int exponent;
    const double fraction = std::frexp(sample_rate, &exponent); // 0.5 to 1
    d_numerator = static_cast<uint64_t>(std::ldexp(fraction, 53));
    // 2^40 > fastest: the exponent stays below 53.
    d_shift = 53 - exponent;
    while (d_shift > 0 && d_numerator % 2 == 0) {
        d_numerator /= 2;
        d_shift--;
    }
}

exact_time sample_clock::after(const exact_time& start, uint64_t samples) const
{
    // The shift is at most 62 (at the slowest rate), so this fits 126 bits.
    const wide scaled = wide(samples) << d_shift;
    const wide whole = scaled / d_numerator;
    const wide rest = scaled % d_numerator;
    const wide picoseconds =
        wide(start.picoseconds) + (rest * second + d_numerator / 2) / d_numerator;
    return { static_cast<int64_t>(start.secs + whole + picoseconds / second),
             static_cast<uint64_t>(picoseconds % second) };
}

int64_t sample_clock::samples_between(const exact_time& from, const exact_time& to) const
{
    const int64_t seconds = static_cast<int64_t>(std::clamp<wide>(
        wide(to.secs) - from.secs, -farthest_seconds, farthest_seconds));
    const wide picoseconds =
        wide(seconds) * second + wide(to.picoseconds) - wide(from.picoseconds);
    const wide divisor = second << d_shift;
    const wide scaled = picoseconds * d_numerator;
    const wide half = scaled < 0 ? -(divisor / 2) : divisor / 2;
    return static_cast<int64_t>(
        std::clamp<wide>((scaled + half) / divisor, -most_samples, most_samples));
}

} // namespace gr::wfm
