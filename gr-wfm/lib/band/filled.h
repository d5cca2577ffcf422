// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "band/candidates.h"
#include <gnuradio/fft/fft.h>
#include <volk/volk_alloc.hh>

namespace gr::wfm::finding {

/*!
 * \brief A band that is one signal from edge to edge: nothing of it is noise, and no floor
 * tells.
 *
 * Noise that a receiver filtered repeats nothing. What is sent with a cyclic prefix (OFDM)
 * or as a code that repeats is like itself some time later, and its mean spectrum has
 * ripples of that period over the whole band.
 */
class filled_band
{
public:
    //! fft_size: bins of the finest layer
    explicit filled_band(size_t fft_size);
    //! Whether what lies between the boxes found in a frame is such a signal.
    bool look(const layer& finest, const std::vector<box>& found);

private:
    size_t take_ripples(const layer& by, const std::vector<box>& found);

    const size_t d_size;
    fft::fft_complex_fwd d_fft;
    volk::vector<float> d_row, d_power, d_count; //!< cells beside what was found
    std::vector<double> d_ripples; //!< of each bin, 0 where too few rows are left
    std::vector<char> d_left;
};

} // namespace gr::wfm::finding
