// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <vector>

namespace gr::wfm {

//! One output pixel along one axis: the sum of weights[j] * input[first + j].
struct pixel_weights {
    size_t first;
    std::vector<float> weights;
};

/*!
 * \brief Bilinear weights, antialiased when they shrink, from `in` pixels to `out`:
 * those of torch.nn.functional.interpolate(antialias=True, align_corners=False).
 */
std::vector<pixel_weights> bilinear_weights(size_t in, size_t out);

} // namespace gr::wfm
