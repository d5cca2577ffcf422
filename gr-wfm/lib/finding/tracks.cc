// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/tracks.h"
#include "finding/cutting.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace gr::wfm::finding {

namespace {

// Shares of its time and band, of what is a part of a stronger one.
constexpr double during_share = 0.8, across = 0.1;
// Distance and width over that one's width, and power, of what may be beside it.
constexpr double gap_share = 0.1, narrow = 0.4, weak = 0.1;
// Density over that of a stronger one, of a signal of its own in that.
constexpr double stands_out = 10.0;

// Width that two bands share over the width of both together.
double same(const band& one, const band& other)
{
    return (std::min(one.second, other.second) - std::max(one.first, other.first)) /
           (std::max(one.second, other.second) - std::min(one.first, other.first));
}

band band_of(const fragment& part) { return { part.edges.low, part.edges.high }; }

// Bins between which the middle 60 % of the power lies.
band core(const fragment& part)
{
    const auto [low, high] =
        quantile_edges(profile(part.power.begin(), part.power.end()), 1.0, 0.2);
    return { part.first + low, part.first + high };
}

} // namespace

bool tracks::track::takes(const fragment& part, double rate) const
{
    const double gap =
        std::max(part.edges.start - edges.stop, edges.start - part.edges.stop) / rate;
    const double widest = std::max(width(), part.width());
    const double narrowest = std::min(width(), part.width());
    if (gap > gap_for(widest))
        return false;
    if (same(band_of(*this), band_of(part)) >= 0.5)
        return true;
    const double over = part.level() / std::max(level(), 1e-30);
    if (!(over > 0.25 && over < 4.0))
        return false;
    const double both =
        std::min(edges.high, part.edges.high) - std::max(edges.low, part.edges.low);
    if (gap <= least_gap && both >= 0.5 * narrowest && widest < 20 * narrowest)
        return true;
    // A carrier with and without sidebands.
    return gap <= 0.02 && same(core(*this), core(part)) > 0.3;
}

bool tracks::track::within(const track& other) const
{
    const double time = overlap(
        edges.start, edges.stop, other.edges.start, other.edges.stop);
    const double shared =
        overlap(edges.low, edges.high, other.edges.low, other.edges.high);
    if (&other == this || time < during_share * length())
        return false;
    const double over = level() / other.level();
    if (over * other.width() > stands_out * width())
        return false;
    return (shared > -gap_share * other.width() && width() < narrow * other.width() &&
            over < weak) ||
           (shared >= across * width() && over < 1);
}

void tracks::track::add_power(const fragment& part)
{
    const long from = std::min(first, part.first);
    const long last = std::max(first + static_cast<long>(power.size()),
                               part.first + static_cast<long>(part.power.size()));
    values all_power(last - from), all_noise(last - from);
    for (const fragment* one : { static_cast<const fragment*>(this), &part })
        for (size_t i = 0; i < one->power.size(); i++) {
            all_power[one->first - from + i] += one->power[i];
            float& most = all_noise[one->first - from + i];
            most = std::max(most, one->noise[i]);
        }
    first = from;
    power.swap(all_power);
    sum_up();
    noise.swap(all_noise);
}

void tracks::track::add(const fragment& part, double rate)
{
    add_power(part);
    edges = { std::min(edges.start, part.edges.start),
              std::max(edges.stop, part.edges.stop),
              std::min(edges.low, part.edges.low),
              std::max(edges.high, part.edges.high) };
    seen += part.length();
    on += part.on;
    if (seen > 0.25 * length())
        std::tie(edges.low, edges.high) = by_power(rate);
}

band tracks::track::by_power(double rate) const
{
    const auto [low, high] = quantile_edges(profile(power.begin(), power.end()), grid);
    const double origin = (first - 0.5) * grid - rate / 2;
    return { origin + low, origin + high };
}

void tracks::frame(std::vector<fragment> parts,
                   double stop,
                   std::vector<found_box>& found)
{
    std::stable_sort(
        parts.begin(), parts.end(), [](const fragment& a, const fragment& b) {
            return std::tie(a.edges.start, a.edges.low) <
                   std::tie(b.edges.start, b.edges.low);
        });
    for (const fragment& part : parts) {
        track* best = nullptr;
        double most = 0;
        for (track& one : d_open) {
            if (!one.takes(part, d_rate))
                continue;
            const double shared = same(band_of(one), band_of(part));
            if (!best || shared > most) {
                best = &one;
                most = shared;
            }
        }
        if (best)
            best->add(part, d_rate);
        else
            d_open.emplace_back(part);
    }
    const auto goes_on = [&](track& one) {
        if ((stop - one.edges.stop) / d_rate > gap_for(one.width()))
            return false;
        one.cut = one.length() / d_rate >= d_settings.max_duration;
        return !one.cut;
    };
    const auto ended = std::stable_partition(d_open.begin(), d_open.end(), goes_on);
    say(ended - d_open.begin(), found);
    d_open.erase(ended, d_open.end());
}

void tracks::finish(std::vector<found_box>& found)
{
    say(0, found);
    d_open.clear();
}

std::vector<tracks::track*> tracks::whole(size_t ended)
{
    std::vector<track*> kept;
    for (size_t i = ended; i < d_open.size(); i++)
        kept.push_back(&d_open[i]);
    std::stable_sort(kept.begin(), kept.end(), [](const track* a, const track* b) {
        return a->level() < b->level();
    });
    for (const track* part : std::vector<track*>(kept)) {
        std::vector<track*> others = kept;
        for (size_t i = 0; i < ended; i++)
            others.push_back(&d_open[i]);
        track* best = nullptr;
        for (track* other : others)
            if (part->within(*other) && (!best || other->level() > best->level()))
                best = other;
        if (!best)
            continue;
        best->add_power(*part);
        kept.erase(std::find(kept.begin(), kept.end(), part));
    }
    return kept;
}

void tracks::say(size_t ended, std::vector<found_box>& found)
{
    const size_t before = found.size();
    for (const track* said : whole(ended)) {
        const track& one = *said;
        auto [low, high] = one.by_power(d_rate);
        low = std::max(low, -d_rate / 2);
        high = std::min(high, d_rate / 2);
        const double power = one.level();
        const auto bin_of = [&](double edge) {
            return std::lrint((edge + d_rate / 2) / one.grid + 0.5) -
                   one.first;
        };
        const long count = one.noise.size();
        const long a = std::clamp(bin_of(low), 0L, count - 1);
        const long b = std::min(std::max(bin_of(high), a + 1), count);
        const double mean =
            std::accumulate(one.noise.begin() + a, one.noise.begin() + b, 0.0) / (b - a);
        const double noise = mean * std::max((high - low) / one.grid, 1e-9);
        if (!(power > 0) || !(noise > 0))
            continue;
        const double snr = 10 * std::log10(power / noise);
        if (snr < d_settings.min_snr)
            continue;
        const long start = std::lrint(one.edges.start);
        const long length = std::max(std::lrint(one.edges.stop) - start, 1L);
        found.push_back({ static_cast<uint64_t>(start),
                          static_cast<uint64_t>(length),
                          low,
                          high,
                          snr,
                          10 * std::log10(power),
                          one.cut });
    }
    std::sort(
        found.begin() + before, found.end(), [](const found_box& a, const found_box& b) {
            return std::tie(a.sample_start, a.lower) < std::tie(b.sample_start, b.lower);
        });
}

} // namespace gr::wfm::finding
