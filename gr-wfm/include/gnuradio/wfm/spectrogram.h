// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_SPECTROGRAM_H
#define INCLUDED_WFM_SPECTROGRAM_H

#include <gnuradio/block.h>
#include <gnuradio/wfm/api.h>
#include <string>

namespace gr::wfm {

/*!
 * \brief Log-power rows, or whole standardised images, of one complex stream.
 *
 * The numbers are those of wfm_core.signal.Spectrogram, within 1e-3. Columns are
 * frequency from -sample_rate/2 upwards.
 *
 * rows: item k is the Hann-windowed transform of the samples from k * hop, as
 * 10 log10(|X|^2 + 1e-12). images: item k is [height, width] of the samples from
 * k * window to before (k + 1) * window. A tag goes to the item in whose step (hop
 * or window) its sample lies; so with a hop over fft_size an item leaves when its step
 * is over, or the stream. What is left at the end for no whole item is dropped.
 */
class WFM_API spectrogram : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<spectrogram>;

    /*!
     * \param fft_size samples a transform, 2 to 16 Mi
     * \param hop samples from one transform to the next, 1 or more
     * \param output "rows" or "images"; the rest is of images only
     * \param window samples an image, fft_size to 16 Mi
     * \param height rows of an image
     * \param width columns of an image
     * \param minimum, maximum the data set's, dB over the window's mean bin
     * \param mean, std the data set's, on the scale from 0 to 1 that these make
     * \throws std::invalid_argument for a parameter out of its range
     */
    static sptr make(int fft_size,
                     int hop,
                     const std::string& output = "rows",
                     int window = 4096,
                     int height = 32,
                     int width = 64,
                     double minimum = -60.0,
                     double maximum = 20.0,
                     double mean = 0.5,
                     double std = 0.25);
};

} // namespace gr::wfm

#endif
