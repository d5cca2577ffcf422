// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <gnuradio/gr_complex.h>
#include <vector>

namespace gr::wfm {

/*!
 * \brief Samples of all channels that were looked at and had not left when the
 * flowgraph was locked: the scheduler empties every buffer at unlock().
 */
class held_samples
{
public:
    explicit held_samples(size_t channels) : d_channels(channels) {}

    //! Samples of a channel that have not left yet.
    size_t left() const { return d_channels[0].size() - d_gone; }
    void clear();
    //! Keep n more of each channel, which begin at input[channel] + offset.
    void add(const std::vector<const gr_complex*>& input, size_t offset, size_t n);
    //! Copy the next n to output[channel] of each channel; n is at most left().
    void take(const std::vector<void*>& output, size_t n);

private:
    std::vector<std::vector<gr_complex>> d_channels;
    size_t d_gone = 0;
};

} // namespace gr::wfm
