// SPDX-License-Identifier: GPL-3.0-or-later
#include "spectrogram/resize_weights.h"
#include <algorithm>
#include <cmath>

namespace gr::wfm {

std::vector<pixel_weights> bilinear_weights(size_t in, size_t out)
{
    const double scale = static_cast<double>(in) / out;
    const double support = std::max(scale, 1.0);
    std::vector<pixel_weights> pixels(out);
    for (size_t i = 0; i < out; i++) {
        const double center = scale * (i + 0.5);
        const long first = std::max<long>(static_cast<long>(center - support + 0.5), 0);
        const long end = std::min<long>(static_cast<long>(center + support + 0.5), in);
        std::vector<double> raw;
        double sum = 0;
        for (long j = first; j < end; j++) {
            raw.push_back(std::max(0.0, 1.0 - std::abs(j - center + 0.5) / support));
            sum += raw.back();
        }
        pixels[i].first = first;
        for (const double weight : raw)
            pixels[i].weights.push_back(static_cast<float>(weight / sum));
    }
    return pixels;
}

} // namespace gr::wfm
