// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <gnuradio/gr_complex.h>
#include <gnuradio/wfm/window_batch.h>
#include <memory>
#include <mutex>
#include <set>

namespace gr::wfm {

/*!
 * \brief The last samples of a stream, in pieces that no break divides.
 *
 * One thread writes, one reads all, and one copies some that were read. Samples are
 * counted from the first that was put in: their position. What waits is bounded by the
 * capacity: in lossless put() then takes less, in live the reader skips.
 */
class sample_ring
{
public:
    //! What read() gives: samples that follow those of the last one, unless it begins.
    struct stretch {
        uint64_t position = 0; //!< of its first sample
        size_t count = 0;
        bool begins = false;  //!< a break is in front of it
        bool ends = false;    //!< a break is behind it; count may be 0
        uint64_t skipped = 0; //!< samples in front of it that were overwritten
        window_info info;     //!< of the first sample, if it begins
    };

    explicit sample_ring(bool lossless) : d_lossless(lossless) {}

    // Of the writer.

    //! A piece begins, of which so many samples are needed after they were read.
    //! capacity: samples to have room for; it only grows.
    void begin_piece(const window_info& info, size_t capacity, size_t memory);
    void end_piece();
    bool piece_open() const;
    uint64_t written() const;
    //! Returns how many fitted; all of them in live.
    size_t put(const gr_complex* samples, size_t n);

    // Of the reader.

    /*!
     * \brief Up to `most` samples to `to`; waits for `least` of them, or the piece's end.
     *
     * Whoever waits until all was read waits for the next call: what a stretch leads to
     * is done before it. \returns false once closed
     */
    bool read(gr_complex* to, size_t least, size_t most, stretch& got);

    // Of any.

    //! Copy what was read; false: some of it is overwritten.
    bool copy(uint64_t position, size_t n, gr_complex* to) const;
    //! Lossless: these samples stay until they are let go.
    void keep(uint64_t position);
    void let_go(uint64_t position);
    //! Is all that was put in read, its pieces ended, and the reader back for more?
    bool all_read() const;
    void wait_all_read();
    //! Ends the reader.
    void close();

private:
    struct piece {
        uint64_t begin;
        window_info info;
        bool ended;
        uint64_t end; //!< once it has ended
        bool told;    //!< its begin was
    };

    uint64_t oldest() const
    {
        return d_written - std::min<uint64_t>(d_written, d_capacity);
    }
    uint64_t needed_from() const;
    void grow(size_t capacity);
    template <typename copier>
    void in_two(uint64_t position, size_t n, copier copy) const;

    const bool d_lossless;
    mutable std::mutex d_mutex;
    std::condition_variable d_arrived, d_idle;
    std::unique_ptr<float[]>
        d_samples; // not initialised: its memory is taken as it is used
    size_t d_capacity = 0;
    size_t d_memory = 0;
    uint64_t d_written = 0, d_read = 0;
    std::deque<piece> d_pieces;
    std::multiset<uint64_t> d_kept;
    bool d_waiting = false; //!< the reader
    bool d_closed = false;
};

} // namespace gr::wfm
