// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/held_samples.h"
#include <algorithm>

namespace gr::wfm {

void held_samples::clear()
{
    for (auto& samples : d_channels)
        std::vector<gr_complex>().swap(samples); // gives the memory back
    d_gone = 0;
}

void held_samples::add(const std::vector<const gr_complex*>& input,
                       size_t offset,
                       size_t n)
{
    for (size_t i = 0; i < d_channels.size(); i++) {
        std::vector<gr_complex>& samples = d_channels[i];
        samples.erase(samples.begin(), samples.begin() + d_gone);
        samples.insert(samples.end(), input[i] + offset, input[i] + offset + n);
    }
    d_gone = 0;
}

void held_samples::take(const std::vector<void*>& output, size_t n)
{
    for (size_t i = 0; i < d_channels.size(); i++)
        std::copy_n(
            d_channels[i].begin() + d_gone, n, static_cast<gr_complex*>(output[i]));
    d_gone += n;
    if (left() == 0)
        clear();
}

} // namespace gr::wfm
