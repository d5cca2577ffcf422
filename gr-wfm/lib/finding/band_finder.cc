// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/band_finder.h"
#include "finding/choose.h"
#include "finding/cutting.h"
#include "finding/join.h"
#include "finding/skirts.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace gr::wfm::finding {

namespace {

// A candidate's signals.
std::vector<candidate>
signals_of(const candidate& of, const layer_list& layers, double count)
{
    const box whole{
        of.edges.start, std::min(of.edges.stop, count), of.edges.low, of.edges.high
    };
    const std::vector<box> pieces = signals_in(whole, layers);
    if (pieces.size() == 1 && pieces[0] == whole)
        return { of };
    std::vector<candidate> made;
    for (const box& piece : pieces) {
        const layer& by = layer_for_band(layers, piece.stop - piece.start, 3);
        const auto [first, last] = by.rows_of(piece.start, piece.stop);
        const auto [a, b] = by.bins(piece.low, piece.high);
        candidate one{ of.view, piece, 0, 0, piece, std::vector<double>(b - a) };
        const double cell = static_cast<double>(by.shape.hop) / by.shape.fft_size;
        for (size_t r = first; r < last; r++)
            for (size_t i = a; i < b; i++)
                one.bins[i - a] += std::max(by.row(r)[i] - 1.0f, 0.0f) * cell;
        one.energy = std::accumulate(one.bins.begin(), one.bins.end(), 0.0);
        one.area = std::max(
            (piece.stop - piece.start) * (piece.high - piece.low) / by.rate, 0.5);
        made.push_back(std::move(one));
    }
    return made;
}

template <typename piece>
std::vector<box> edges_of(const std::vector<piece>& pieces)
{
    std::vector<box> edges;
    for (const piece& one : pieces)
        edges.push_back(one.edges);
    return edges;
}

} // namespace

band_finder::band_finder(double sample_rate, const settings& settings)
    : d_rate(sample_rate),
      d_settings(settings),
      d_frame(sample_rate, settings),
      d_tracks(sample_rate, settings),
      d_wide(sample_rate, d_frame.length()),
      d_filled(shapes(settings.size_for(sample_rate))[2].fft_size)
{
}

double band_finder::memory(double sample_rate, const settings& settings)
{
    const size_t size = settings.size_for(sample_rate);
    const double frame = frame_rows * size;
    return (settings.max_duration + 0.8) * sample_rate + 2 * frame +
           shapes(size)[2].reach();
}

void band_finder::push(const gr_complex* samples, size_t n, std::vector<found_box>& found)
{
    d_held.insert(d_held.end(), samples, samples + n);
    while (d_origin + d_held.size() >= d_begin + ahead()) {
        look(d_frame.length(), found);
        d_begin += d_frame.length();
        const uint64_t needed = d_begin - std::min<uint64_t>(d_begin, d_frame.reach());
        d_held.erase(d_held.begin(), d_held.begin() + (needed - d_origin));
        d_origin = needed;
    }
}

void band_finder::finish(std::vector<found_box>& found)
{
    if (d_origin + d_held.size() > d_begin) {
        // Less than a frame and what rows reach.
        const size_t count = d_origin + d_held.size() - d_begin;
        look(count, found);
        d_begin += count;
    }
    d_tracks.finish(found);
    d_held.clear();
    d_origin = d_begin = 0;
}

void band_finder::look(size_t count, std::vector<found_box>& found)
{
    d_clean.assign(d_held.begin(),
                   d_held.begin() +
                       std::min<uint64_t>(d_held.size(),
                                          d_begin - d_origin + count + d_frame.reach()));
    d_frame.look(d_clean.data(), d_clean.size(), d_begin - d_origin, count);
    std::vector<fragment> parts = parts_of(count);
    for (fragment& part : parts) {
        part.edges.start += d_begin;
        part.edges.stop += d_begin;
    }
    d_tracks.frame(std::move(parts), d_begin + count, found);
}

// The signals' parts in the frame, counted from its begin.
std::vector<fragment> band_finder::parts_of(size_t count)
{
    const layer_list layers = d_frame.usable();
    if (layers.empty())
        return {};
    std::vector<std::pair<double, double>> cells;
    for (size_t place = 0; place < view_count; place++)
        cells.push_back(d_frame.cell(place));
    const std::vector<candidate> chosen = without_echoes(
        choose(d_frame.candidates(),
               cells,
               [&](const candidate& one) { return signals_of(one, layers, count); }),
        layers);
    const size_t finest = d_frame.layers()[2].shape.fft_size;
    std::vector<fragment> parts =
        without_skirts(refined(edges_of(chosen), layers, finest, false), layers, false);
    parts = without_skirts(joined(std::move(parts), layers), layers);
    parts = refined(edges_of(parts), layers, finest, true);
    const double least = 0.8 * std::pow(10.0, d_settings.min_snr / 10);
    const auto faint = [least](const fragment& part) { return !(part.ratio() > least); };
    parts.erase(std::remove_if(parts.begin(), parts.end(), faint), parts.end());
    parts = without_skirts(std::move(parts), layers);
    const layer& middle = *layers[layers.size() > 1 ? 1 : 0];
    const auto wide = d_wide.look(middle.floor);
    if (d_filled.look(d_frame.layers()[2], edges_of(parts)))
        add_whole(parts, middle, finest, count);
    else if (wide)
        add_wide(parts, *wide, middle, layers, finest, count);
    return parts;
}

} // namespace gr::wfm::finding
