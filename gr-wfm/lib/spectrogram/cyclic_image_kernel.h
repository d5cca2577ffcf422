// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "spectrogram/sorting_network.h"
#include <gnuradio/fft/fft.h>
#include <gnuradio/wfm/cyclic_images.h>
#include <memory>
#include <volk/volk_alloc.hh>

namespace gr::wfm {

//! The arithmetic of wfm_core.signal.images.CyclicImage, window by window.
class cyclic_image_kernel : public cyclic_images
{
public:
    cyclic_image_kernel();
    void
    run(const gr_complex* iq, size_t antennas, size_t windows, float* image) override;

private:
    void add_spectrogram(const gr_complex* iq, size_t windows);
    void add_lines(const gr_complex* iq);
    void add_periods(const gr_complex* iq, size_t windows);
    void place_periods(size_t windows);
    void add_spectrum(const gr_complex* x, size_t spectrum);
    void finish_spectrogram(float* pixels);
    void place_rows(size_t spectrum);
    void finish_lines(float* pixels);

    fft::fft_complex_fwd d_short, d_long;
    std::unique_ptr<fft::fft_real_fwd> d_real; // of all windows of an image
    volk::vector<float> d_hann;
    volk::vector<gr_complex> d_squared;
    volk::vector<float> d_bins;
    volk::vector<float> d_periods; // power, from 0 Hz to half the rate
    volk::vector<float> d_picture; // [height, width] of power
    volk::vector<float> d_spectra; // [4, window] of power, from 0 Hz upwards
    volk::vector<float> d_sorted;  // see place_rows
    volk::vector<float> d_floor;   // 1 / the noise floor, of each lane of a row
    volk::vector<float> d_ranked;  // [kept, lanes]
    sorting_network d_rows, d_merges, d_last;
};

} // namespace gr::wfm
