// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_RESIZE_WEIGHTS_H
#define INCLUDED_WFM_RESIZE_WEIGHTS_H

#include <cstddef>
#include <vector>

namespace gr {
namespace wfm {

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

} // namespace wfm
} // namespace gr

#endif
