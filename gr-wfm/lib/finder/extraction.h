// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <gnuradio/blocks/rotator.h>
#include <gnuradio/filter/fir_filter.h>
#include <gnuradio/gr_complex.h>
#include <memory>
#include <vector>
#include <volk/volk_alloc.hh>

namespace gr::wfm {

/*!
 * \brief One signal out of a band: shifted to zero, filtered, and resampled to twice its
 * bandwidth (within 1 %). The arithmetic of wfm_core.signal.extract, with its filters.
 *
 * Samples are put in as they come, from the signal's begin on; finish() gives the signal.
 */
class extraction
{
public:
    //! Samples of a signal, at most.
    static constexpr size_t most = 1 << 20;

    /*!
     * \param sample_rate Hz, of the band
     * \param lower, upper the signal's edges, Hz from the middle of the band
     * \param count the signal's samples
     */
    extraction(double sample_rate, double lower, double upper, uint64_t count);

    //! Hz, of what finish() gives.
    double rate() const { return d_rate; }
    //! Samples of the band that are needed, from the signal's begin.
    uint64_t needed() const { return d_needed; }
    //! The next n of them, all together needed() at most. Values that are not finite
    //! count as zeros.
    void put(const gr_complex* samples, size_t n);
    //! After the last of them.
    std::vector<gr_complex> finish();

private:
    void decimate(bool last);
    void rotate(gr_complex* samples, size_t n, double turns);

    double d_bandwidth, d_coarse_rate, d_rate;
    size_t d_step, d_up, d_down;
    uint64_t d_needed, d_taken = 0;
    double d_shift;   //!< turns a sample that bring what is kept of the band to zero
    double d_reshift; //!< and the signal's middle, at the last rate
    double d_cutoff;  //!< Hz
    std::unique_ptr<filter::kernel::fir_filter_ccf> d_decimator;
    size_t d_half = 0; //!< taps of the decimator before its middle one
    // Aligned: a filter reads from the aligned place before its first sample on.
    volk::vector<gr_complex> d_fine;   //!< rotated, and not yet decimated
    volk::vector<gr_complex> d_coarse; //!< what the second filter takes
    uint64_t d_decimated = 0;          //!< samples that the first filter gave
    blocks::rotator d_rotator;
};

} // namespace gr::wfm
