// SPDX-License-Identifier: GPL-3.0-or-later
#include "frames/frame_packer.h"
#include <volk/volk.h>

namespace gr::wfm {

namespace {

constexpr float full_scale = 32768.0f;

} // namespace

const char* frame_packer::pack(const std::vector<const gr_complex*>& channels,
                               size_t count)
{
    const gr_complex* frames = channels[0];
    if (d_channels > 1) {
        d_interleaved.resize(count * d_channels);
        for (size_t channel = 0; channel < d_channels; channel++)
            for (size_t i = 0; i < count; i++)
                d_interleaved[i * d_channels + channel] = channels[channel][i];
        frames = d_interleaved.data();
    }
    if (!d_integers)
        return reinterpret_cast<const char*>(frames);
    const size_t values = 2 * count * d_channels;
    d_values.resize(values);
    volk_32f_s32f_convert_16i(
        d_values.data(), reinterpret_cast<const float*>(frames), full_scale, values);
    return reinterpret_cast<const char*>(d_values.data());
}

} // namespace gr::wfm
