// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_CYCLIC_IMAGES_H
#define INCLUDED_WFM_CYCLIC_IMAGES_H

#include <cstddef>
#include <gnuradio/gr_complex.h>
#include <gnuradio/wfm/api.h>
#include <memory>

namespace gr::wfm {

/*!
 * \brief Images of windows that show what is periodic in them: the numbers of
 * wfm_core.signal.images.CyclicImage, within 1e-3.
 *
 * Channel 0 is a spectrogram, channels 1 to 4 are ranked spectra of x, x^2, |x|^2
 * and x^4; all are mean powers over the antennas, and over several windows in a row where
 * an image is made of these. A channel in which something is not finite is NaN throughout.
 * One object is used by one thread at a time.
 */
class WFM_API cyclic_images
{
public:
    static constexpr size_t window = 4096; //!< samples
    static constexpr size_t channels = 5;
    static constexpr size_t height = 32;
    static constexpr size_t width = 64;
    static constexpr size_t pixels = channels * height * width;

    static std::unique_ptr<cyclic_images> make();
    virtual ~cyclic_images() = default;

    /*!
     * \brief The image of one window, or of several in a row.
     * \param iq [antennas, windows * window] samples
     * \param antennas 1 or more
     * \param windows 1 or more
     * \param image [channels, height, width]
     */
    virtual void
    run(const gr_complex* iq, size_t antennas, size_t windows, float* image) = 0;
};

} // namespace gr::wfm

#endif
