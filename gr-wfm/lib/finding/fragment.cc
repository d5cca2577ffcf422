// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/fragment.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace gr::wfm::finding {

namespace {

constexpr double sideband = 11e3; // Hz beside a line that are looked at
constexpr double margin_widths = 2.5;
constexpr double little = 0.15; // of the noise, by which skirts are over it

struct stretch {
    size_t first, last;
};

// Places of `outward` before means of `step` rise over those before them, or over
// `highest`.
size_t falling(const profile& outward, size_t step, double highest, double deviation)
{
    const double doubt = 4 * deviation * std::sqrt(1.9 / step);
    double before[3] = { highest, highest, highest };
    size_t place = 0;
    for (; place + step <= outward.size(); place += step) {
        const double mean = mean_of(outward, place, place + step);
        const double most = *std::max_element(before, before + 3);
        if (mean > std::min(1.5 * most + doubt, highest))
            break;
        before[0] = before[1];
        before[1] = before[2];
        before[2] = mean;
    }
    return place;
}

// The stretch with what surely belongs to it beside, up to `room`: at each side as far as
// the power over a little of the noise adds up to most, where that cannot be chance, and
// not into what rises again.
stretch with_skirts(const seen& by,
                    const profile& smooth,
                    const stretch& middle,
                    const stretch& room)
{
    const double highest = 0.5 * greatest_of(smooth, middle.first, middle.last);
    const auto step = static_cast<size_t>(std::max(
        1L, std::lrint(0.2 * static_cast<double>(middle.last - middle.first))));
    const auto reached = [&](profile outward) {
        outward.resize(falling(outward, step, highest, by.deviation));
        double power = 0, best_power = 0, best_over = 0;
        size_t best = 0;
        for (size_t i = 0; i < outward.size(); i++) {
            power += outward[i];
            const double over = power - little * (i + 1);
            if (best == 0 || over > best_over) {
                best = i + 1;
                best_over = over;
                best_power = power;
            }
        }
        return best_power > 4.5 * by.deviation * std::sqrt(1.9 * best) ? best : 0;
    };
    const auto at = [&](size_t bin) { return by.mean.begin() + bin; };
    profile below(at(room.first), at(middle.first));
    std::reverse(below.begin(), below.end());
    return { middle.first - reached(std::move(below)),
             middle.last + reached({ at(middle.last), at(room.last) }) };
}

// The stretch of a spectrum that stands out of the noise around a rough one; `room`
// becomes one that holds this.
stretch standing_out(
    const seen& by, const profile& smooth, stretch rough, size_t few, stretch& room)
{
    size_t a = rough.first, b = rough.last;
    const double top = b > a ? greatest_of(smooth, a, b) : 0.0;
    const double spread = by.deviation * 1.4 / std::sqrt(few);
    const double limit = std::max(2.5 * spread, 0.004 * top);
    const double sure = std::max(4 * spread, 0.004 * top);
    while (b - a > 1 && smooth[a] <= sure)
        a++;
    while (b - a > 1 && smooth[b - 1] <= sure)
        b--;
    room = { std::min(room.first, a), std::max(room.last, b) };
    // Outwards as long as it stands out, and falls.
    while (a > room.first && smooth[a - 1] > limit &&
           smooth[a - 1] <=
               1.15 * greatest_of(smooth, a, std::min(a + few, smooth.size())))
        a--;
    while (b < room.last && smooth[b] > limit &&
           smooth[b] <= 1.15 * greatest_of(smooth, b > few ? b - few : 0, b))
        b++;
    return { a, b };
}

struct band_seen {
    double low, high;
    const layer* by;
    size_t first;
    profile spectrum;
};

band_seen
band_edges(const box& in, const layer_list& layers, const band& bounds, bool skirts)
{
    const double wide = in.high - in.low;
    // Of the finest rows, two do for what is so strong that its edges count.
    const size_t rows = in.stop - in.start >= 2.0 * layers.back()->shape.hop ? 2 : 3;
    const double bin = layer_for_band(layers, in.stop - in.start, rows).width();
    const double margin =
        std::max({ margin_widths * wide, 8 * bin, wide < 8 * bin ? sideband : 0.0 });
    const seen by = profile_in_band(
        layers, { in.start, in.stop, in.low - margin, in.high + margin }, rows);
    const size_t count = by.mean.size();
    const auto rough = by.by->bins(in.low, in.high);
    const size_t a = rough.first - by.first, b = rough.second - by.first;
    const size_t few = std::clamp<size_t>((b - a) / 12, 1, 64) | 1;
    const profile smooth = uniform_filter(by.mean, few, beyond::nearest);
    const auto edge = by.by->bins(bounds.first, bounds.second);
    const auto inside = [&](size_t bin) {
        return std::min(bin - std::min(bin, by.first), count);
    };
    stretch room{ inside(edge.first), inside(edge.second) };
    stretch out = standing_out(by, smooth, { a, b }, few, room);
    if (skirts)
        out = with_skirts(by, smooth, out, room);
    const auto [first, last] = out;
    band_seen got{ 0, 0, by.by, by.first + first, {} };
    got.spectrum.assign(by.mean.begin() + first, by.mean.begin() + last);
    profile power = got.spectrum;
    const double least = last - first < 8 ? 0 : -1;
    for (size_t i = 0; i < power.size(); i++)
        power[i] = std::max(power[i], least) * by.by->floor[got.first + i];
    const auto span = quantile_edges(power, by.by->width());
    const double origin = (got.first - 0.5) * by.by->width() - by.by->rate / 2;
    got.low = origin + span.first;
    got.high = origin + span.second;
    return got;
}

struct time_seen {
    double start, stop, on;
};

time_seen time_edges(const box& in, const layer_list& layers)
{
    const time_seen rough{ in.start, in.stop, in.stop - in.start };
    const double hop = layer_for_time(layers, in.high - in.low).shape.hop;
    const seen by =
        profile_in_time(layers, { in.start - hop, in.stop + hop, in.low, in.high });
    const profile& mean = by.mean;
    if (mean.size() < 2)
        return rough;
    const profile smooth =
        mean.size() > 8 ? uniform_filter(mean, 3, beyond::nearest) : mean;
    const double limit = std::max(3.5 * by.deviation, 0.03 * quantile(smooth, 0.75));
    std::vector<size_t> on;
    profile levels;
    for (size_t i = 0; i < smooth.size(); i++)
        if (smooth[i] > limit) {
            on.push_back(i);
            levels.push_back(mean[i]);
        }
    if (on.empty())
        return rough;
    const double share = static_cast<double>(on.size()) / (on.back() - on.front() + 1);
    double a = on.front(), b = on.back() + 1;
    // The row that a burst begins in the middle of has part of its power.
    const double typical = std::max(quantile(levels, 0.5), 1e-9);
    if (on.front() + 1 < mean.size() && on.size() > 2) {
        a += 1 - std::clamp(mean[on.front()] / typical, 0.0, 1.0);
        b -= 1 - std::clamp(mean[on.back()] / typical, 0.0, 1.0);
    }
    a = (by.first + a) * hop;
    b = (by.first + b) * hop;
    return { a, std::max(b, a + 1), share * std::max(b - a, 1.0) };
}

} // namespace

void fragment::sum_up() { energy = std::accumulate(power.begin(), power.end(), 0.0); }

double fragment::level() const { return energy / std::max(on, 1.0); }

double fragment::ratio() const
{
    const double mean = std::accumulate(noise.begin(), noise.end(), 0.0) / noise.size();
    return level() / std::max(mean / grid * width(), 1e-30);
}

namespace {

// Hz within which a box may grow: as far as half the way to what is on at the same time.
band room_of(const box& in, const std::vector<box>& others, double rate)
{
    band room{ -rate / 2, rate / 2 };
    for (const box& other : others) {
        if (!(other.stop > in.start && other.start < in.stop))
            continue;
        if (other.high <= in.low)
            room.first = std::max(room.first, (other.high + in.low) / 2);
        else if (other.low >= in.high)
            room.second = std::min(room.second, (other.low + in.high) / 2);
    }
    return room;
}

fragment part_of(const band_seen& of, const time_seen& when, size_t finest)
{
    const size_t times = finest / of.by->shape.fft_size;
    const double scale = (when.stop - when.start) / finest;
    fragment part{ { when.start, when.stop, of.low, of.high },
                   static_cast<long>(of.first * times) - static_cast<long>(times / 2),
                   values(of.spectrum.size() * times),
                   values(of.spectrum.size() * times),
                   when.on,
                   of.by->rate / finest,
                   0 };
    for (size_t i = 0; i < of.spectrum.size(); i++) {
        const float floor = of.by->floor[of.first + i];
        std::fill_n(&part.power[i * times], times, of.spectrum[i] * floor * scale);
        std::fill_n(&part.noise[i * times], times, floor / finest);
    }
    part.sum_up();
    return part;
}

} // namespace

std::vector<fragment> refined(const std::vector<box>& boxes,
                              const layer_list& layers,
                              size_t finest,
                              bool skirts)
{
    std::vector<fragment> parts;
    for (const box& in : boxes) {
        const band room = room_of(in, boxes, layers[0]->rate);
        const band_seen of = band_edges(in, layers, room, skirts);
        const time_seen when = time_edges({ in.start, in.stop, of.low, of.high }, layers);
        if (when.stop > when.start)
            parts.push_back(part_of(of, when, finest));
    }
    return parts;
}

std::pair<double, double>
quantile_edges(const profile& power, double width, double left_out)
{
    profile total(power.size() + 1);
    std::partial_sum(power.begin(), power.end(), total.begin() + 1);
    const double whole = total.back();
    if (whole <= 0)
        return { 0.0, power.size() * width };
    // With noise taken off, sums may fall: the last place below, and the first above.
    const double least = left_out * whole, most = (1 - left_out) * whole;
    size_t low = total.size() - 1, high = 0;
    while (total[low] > least)
        low--;
    low = std::min(low, power.size() - 1);
    while (total[high] < most)
        high++;
    high = std::max(high, low + 1);
    const auto within = [&](double value, size_t at) {
        return std::clamp(
            (value - total[at]) / std::max(total[at + 1] - total[at], 1e-30), 0.0, 1.0);
    };
    const double at = low + within(least, low);
    const double to = high - 1 + within(most, high - 1);
    return { at * width, std::max(to, at + 0.1) * width };
}

} // namespace gr::wfm::finding
