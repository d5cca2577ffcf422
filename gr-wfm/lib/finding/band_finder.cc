// SPDX-License-Identifier: GPL-3.0-or-later
#include "finding/band_finder.h"
#include <algorithm>

namespace gr::wfm::finding {

band_finder::band_finder(double sample_rate, const settings& settings)
    : d_rate(sample_rate), d_settings(settings), d_frame(sample_rate, settings)
{
}

double band_finder::memory(double sample_rate, const settings& settings)
{
    const size_t size = settings.size_for(sample_rate);
    const double frame = frame_rows * size;
    return (settings.max_duration + 0.8) * sample_rate + 2 * frame +
           shapes(size)[2].reach();
}

void band_finder::push(const gr_complex* samples,
                       size_t n,
                       std::vector<found_box>& found)
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
    while (d_origin + d_held.size() > d_begin) {
        const size_t count =
            std::min<uint64_t>(d_frame.length(), d_origin + d_held.size() - d_begin);
        look(count, found);
        d_begin += count;
    }
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
}

} // namespace gr::wfm::finding
