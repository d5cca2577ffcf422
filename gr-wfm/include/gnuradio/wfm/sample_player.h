// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_SAMPLE_PLAYER_H
#define INCLUDED_WFM_SAMPLE_PLAYER_H

#include <cstdint>
#include <gnuradio/sync_block.h>
#include <gnuradio/wfm/api.h>
#include <string>
#include <tuple>
#include <vector>

namespace gr::wfm {

//! (sample_start, center frequency in Hz or NaN, whole seconds, rest, has a time);
//! what a segment does not state is unknown in it
using segment_tuple = std::tuple<uint64_t, double, int64_t, double, bool>;
//! (sample, how many samples are missing in front of it)
using missing_tuple = std::tuple<uint64_t, uint64_t>;
//! (path, datatype, channels, bytes to skip)
using sample_file_tuple = std::tuple<std::string, std::string, int, uint64_t>;

/*!
 * \brief Plays a file of interleaved samples, or several, as N complex streams.
 *
 * Full scale is 1.0: a signed n-bit v is v / 2^(n-1), an unsigned one
 * (v - m) / m with m = (2^n - 1) / 2. Real samples are made analytic, or have
 * Q = 0 where there is no filter for that.
 *
 * Tags on every output: rx_rate at the first sample and after lost ones; rx_time
 * and rx_freq at the first sample, where a segment starts and after lost samples,
 * as far as they are known; PMT_NIL as their value where they become unknown;
 * wfm_lost (uint64, how many samples are missing in front of this one) at a break
 * where that is known exactly.
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
     * \param channels interleaved channels of that file, 1 to 64
     * \param sample_rate Hz
     * \param header_bytes bytes to skip
     * \param start first sample to play
     * \param count samples to play; 0: to the file's end
     * \param repeat start again at the end, for ever
     * \param paced play by the wall clock
     * \param fifo_seconds what the simulated radio can buffer
     * \param segments where captures start, in the file's sample numbers
     * \param missing where the recording has a gap, in the file's sample numbers
     * \param beside more files of the same length, whose channels follow
     * \param hilbert h[1], h[2] ... of an antisymmetric filter: Q[n] of real samples
     * is the sum of h[k] (I[n - k] - I[n + k]); empty: Q is 0
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
                     const std::vector<segment_tuple>& segments = {},
                     const std::vector<missing_tuple>& missing = {},
                     const std::vector<sample_file_tuple>& beside = {},
                     const std::vector<float>& hilbert = {});

    //! As a retune does: rx_freq and (where known) rx_time at the next sample.
    virtual void set_center_freq(double center_freq) = 0;
    virtual uint64_t samples_lost() const = 0;
    virtual uint64_t overflows() const = 0;
    virtual uint64_t samples_played() const = 0;
    //! Did the file become shorter while it was played? The stream has ended there.
    virtual bool cut() const = 0;
};

} // namespace gr::wfm

#endif
