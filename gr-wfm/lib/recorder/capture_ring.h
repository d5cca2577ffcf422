// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <gnuradio/wfm/window_batch.h>
#include <limits>
#include <mutex>
#include <string>
#include <vector>
#include <volk/volk_alloc.hh>

namespace gr::wfm {

//! What the writer is to do before it writes the sample at position `at`.
struct capture_command {
    enum class kind { start, stop, label, note };
    kind what;
    std::string text; //!< label or comment
    uint64_t at = 0;
};

//! The same segment's sample that many samples later.
window_info later(window_info info, uint64_t samples);

//! Samples in the ring, of one segment: frames[channel][0 .. count).
struct capture_piece {
    window_info first; //!< where and when its first sample is
    bool new_segment = false;
    std::vector<const gr_complex*> frames;
    size_t count = 0;
};

/*!
 * \brief The newest samples of all channels, between the stream and the disk.
 *
 * Positions count the samples that were put; what is dropped has none. The
 * stream thread never waits: while nothing is recorded it overwrites all but
 * the `keep` newest samples, the pre-trigger; while the writer is behind by the
 * whole ring it drops, until the ring is half empty, so that gaps are few.
 */
class capture_ring
{
public:
    enum class taken { command, piece, nothing, ended };

    capture_ring(size_t channels, size_t samples, size_t keep);

    // For the stream thread.
    //! The next sample does not follow the one before.
    void end_segment() { d_segment_open = false; }
    bool segment_open() const { return d_segment_open; }
    void begin_segment(const window_info& first);
    //! Copies up to count samples; 0: there is no room, these are to be dropped.
    size_t put(const std::vector<const gr_complex*>& input, size_t offset, size_t count);
    //! A command for the next sample; a start reaches back to the pre-trigger.
    void push(capture_command::kind what, const std::string& text = {});
    //! No sample and no command comes any more.
    void close();
    void open();
    bool closed();

    // For the writer.
    taken take(std::chrono::milliseconds patience,
               capture_command& command,
               capture_piece& piece);
    //! The last piece is done with.
    void release(size_t count);
    //! Forget the samples that wait, up to the next start; returns how many.
    uint64_t abandon();

private:
    struct segment {
        uint64_t at;
        window_info first;
    };
    static constexpr uint64_t nowhere = std::numeric_limits<uint64_t>::max();

    uint64_t next_start() const;
    void find_piece(capture_piece& piece);
    void forget_segments();

    const size_t d_samples;
    const size_t d_keep;
    std::vector<volk::vector<gr_complex>> d_ring;

    // Of the stream thread.
    bool d_segment_open = false;
    bool d_overflowing = false;

    std::mutex d_mutex; //!< for all below
    std::condition_variable d_news;
    uint64_t d_head = 0;        //!< next sample to be put
    uint64_t d_tail = 0;        //!< oldest sample still there
    uint64_t d_held = nowhere;  //!< next sample to be written
    uint64_t d_recorded_to = 0; //!< no sample is recorded twice
    std::deque<segment> d_segments;
    std::deque<capture_command> d_commands;
    bool d_closed = false;
    uint64_t d_last_segment = nowhere; //!< that of the last piece
};

} // namespace gr::wfm
