// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <gnuradio/types.h>
#include <vector>
#include <volk/volk_alloc.hh>

namespace gr::wfm {

/*!
 * \brief From channels side by side to the frames of a file: a sample of each channel
 * after the other, as cf32 or as ci16 with full scale 1.0.
 */
class frame_packer
{
public:
    frame_packer(size_t channels, bool integers)
        : d_channels(channels), d_integers(integers)
    {
    }

    size_t frame_bytes() const
    {
        return d_channels * 2 * (d_integers ? sizeof(int16_t) : sizeof(float));
    }

    //! The frames of count samples of each channel; they stay until the next call.
    const char* pack(const std::vector<const gr_complex*>& channels, size_t count);

private:
    const size_t d_channels;
    const bool d_integers;
    volk::vector<gr_complex> d_interleaved;
    volk::vector<int16_t> d_values;
};

} // namespace gr::wfm
