// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "spectrogram/resize_weights.h"
#include <gnuradio/fft/fft.h>
#include <gnuradio/gr_complex.h>
#include <volk/volk_alloc.hh>
#include <string>

namespace gr::wfm {

struct spectrogram_parameters {
    int fft_size, hop;
    std::string output;
    int window, height, width;
    double minimum, maximum, mean, std;

    bool images() const { return output == "images"; }
    //! Throws std::invalid_argument.
    void check() const;
};

//! The arithmetic of wfm_core.signal.Spectrogram, apart from any stream.
class spectrogram_kernel
{
public:
    //! Of parameters that were checked.
    explicit spectrogram_kernel(const spectrogram_parameters& parameters);

    //! fft_size samples -> fft_size levels in dB.
    void row(const gr_complex* iq, float* decibels);
    //! window samples -> [height, width] standardised pixels.
    void image(const gr_complex* iq, float* pixels);
    //! fft_size samples -> abs(X)^2 of fft_size bins.
    void power(const gr_complex* iq, float* power);

private:
    //! power over a level -> dB, in place
    static void to_decibels(float* power, size_t count, float per_level);
    void resize(float* pixels);

    const size_t d_fft_size, d_hop, d_rows;
    const float d_gain, d_offset; // pixel = gain * dB + offset
    fft::fft_complex_fwd d_fft;
    volk::vector<float> d_hann;
    volk::vector<float> d_levels; // [rows, fft_size]
    volk::vector<float> d_line;   // [fft_size]
    std::vector<pixel_weights> d_vertical, d_horizontal;
};

} // namespace gr::wfm
