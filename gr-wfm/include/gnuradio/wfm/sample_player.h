// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_SAMPLE_PLAYER_H
#define INCLUDED_WFM_SAMPLE_PLAYER_H

#include <cstdint>
#include <gnuradio/sync_block.h>
#include <gnuradio/wfm/api.h>
#include <string>
#include <tuple>
#include <vector>

namespace gr {
namespace wfm {

//! (sample_start, center frequency in Hz or NaN, whole seconds, rest, has a time)
using segment_tuple = std::tuple<uint64_t, double, uint64_t, double, bool>;

/*!
 * \brief Plays a file of interleaved samples as N complex streams.
 *
 * Full scale is 1.0: a signed n-bit v is v / 2^(n-1), an unsigned one
 * (v - m) / m with m = (2^n - 1) / 2. Real samples have Q = 0. Every output gets
 * rx_time, rx_rate and (where known) rx_freq at the first sample and where a
 * segment starts.
 *
 * paced: the block behaves as a radio. Sample n is received at t0 +
 * n / sample_rate by the wall clock, and waits in a FIFO of fifo_seconds. If the
 * flowgraph does not fetch it in time the FIFO overflows: what did not fit is
 * lost and counted, and the next sample has tags with its true, later time.
 */
class WFM_API sample_player : virtual public gr::sync_block
{
public:
    using sptr = std::shared_ptr<sample_player>;

    /*!
     * \param path data file
     * \param datatype SigMF's: ci8 cu8 ci16 cu16 ci32 cu32 cf32 cf64, r instead
     * of c for real ones, with _le or _be where there is more than one byte
     * \param channels interleaved channels, 1 to 64
     * \param sample_rate Hz
     * \param header_bytes bytes to skip
     * \param start first sample to play
     * \param count samples to play; 0: to the file's end
     * \param repeat start again at the end, for ever
     * \param paced play by the wall clock
     * \param fifo_seconds what the simulated radio can buffer
     * \param segments where captures start, in the file's sample numbers
     * \throws std::invalid_argument for a parameter out of its range
     * \throws std::runtime_error for a file that cannot be read or is too short
     */
    static sptr make(const std::string& path,
                     const std::string& datatype,
                     int channels,
                     double sample_rate,
                     uint64_t header_bytes = 0,
                     uint64_t start = 0,
                     uint64_t count = 0,
                     bool repeat = false,
                     bool paced = false,
                     double fifo_seconds = 0.2,
                     const std::vector<segment_tuple>& segments = {});

    //! As a retune does: rx_freq and rx_time at the next sample.
    virtual void set_center_freq(double center_freq) = 0;
    virtual uint64_t samples_lost() const = 0;
    virtual uint64_t overflows() const = 0;
    virtual uint64_t samples_played() const = 0;
};

} // namespace wfm
} // namespace gr

#endif
