// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "band/arrays.h"
#include "spectrogram/spectrogram_kernel.h"
#include <array>
#include <cstdint>
#include <utility>
#include <volk/volk_alloc.hh>

namespace gr::wfm::finding {

//! A frame is so many fft_size of samples.
constexpr size_t frame_rows = 512;

/*!
 * Row r of a frame stands for its samples [r hop, (r + 1) hop) and is the transform of
 * the fft_size samples around them.
 */
struct layer_shape {
    size_t fft_size, hop;

    //! Samples that a row needs before and after its slot.
    size_t reach() const { return (fft_size - hop) / 2; }
};

//! Short rows for short bursts, the middle ones, and long ones for narrow signals.
std::array<layer_shape, 3> shapes(size_t fft_size);

//! Rows of power spectra of a frame in one resolution; of white noise of power 1 each bin
//! has a mean of 1.
class layer_rows
{
public:
    explicit layer_rows(const layer_shape& shape);

    /*!
     * \brief The rows of the frame of `count` samples from `begin`.
     *
     * What they need outside of the `there` samples is taken as missing: a row with less
     * than 0.95 of its window's energy is not good, others are scaled. Nor is one with
     * broken samples.
     *
     * \param broken how many samples before each of them, and before the end, are broken;
     * empty: none is
     */
    void transform(const gr_complex* samples,
                   size_t there,
                   size_t begin,
                   size_t count,
                   const std::vector<uint32_t>& broken);

    const layer_shape& shape() const { return d_shape; }
    size_t rows() const { return d_rows; }
    float* row(size_t r) { return d_power.data() + r * d_shape.fft_size; }
    const float* row(size_t r) const { return d_power.data() + r * d_shape.fft_size; }
    bool good(size_t r) const { return d_good[r]; }
    size_t good_rows() const;

private:
    double share(long first, long last) const;

    const layer_shape d_shape;
    spectrogram_kernel d_kernel;
    std::vector<double> d_energy; //!< of the window's samples before each
    volk::vector<float> d_power;  //!< [rows, fft_size]
    std::vector<char> d_good;
    std::vector<gr_complex> d_part; //!< of a row that lacks samples
    size_t d_rows = 0;
};

/*!
 * \brief A frame in one resolution: power over the floor, and the floor.
 *
 * No rows: the frame has no samples that it could be made of.
 */
struct layer {
    layer_shape shape{ 0, 0 };
    double rate = 0;
    const float* ratio = nullptr; //!< [rows, fft_size]
    size_t rows = 0;
    values floor; //!< [fft_size]

    double width() const { return rate / shape.fft_size; }
    const float* row(size_t r) const { return ratio + r * shape.fft_size; }
    //! First and last + 1 bin of a band in Hz from its middle, and row of samples.
    std::pair<size_t, size_t> bins(double low, double high) const;
    std::pair<size_t, size_t> rows_of(double start, double stop) const;
};

} // namespace gr::wfm::finding
