// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/channel_tags.h"
#include "common/held_samples.h"
#include "common/scheduler_state.h"
#include "common/segment_tracker.h"
#include "common/stream_tags.h"
#include <gnuradio/block.h>
#include <memory>
#include <vector>

namespace gr::wfm {

/*!
 * \brief The way of N streams through a block that looks at them when they come, and lets
 * them out `hold` samples later, with tags that it found meanwhile.
 *
 * Three places in the stream: what has left (position), what has been looked
 * at (scanned), and what is in the input buffer. In the steady state
 * scanned - position = hold. Samples are counted as at the output.
 *
 * A flowgraph that starts has `hold` zeros preloaded in front of the first
 * sample, so position starts at -hold; the zeros are consumed, not put out.
 * After lock() and unlock() the buffers are the same and empty, without zeros,
 * and all counts and tags in them are gone. What was held is kept aside then
 * and leaves first, as sample 0; the input goes on behind it.
 *
 * Lives in the stream thread.
 */
class held_path
{
public:
    //! Sets the block's history; the block outlives this.
    held_path(gr::block& block, size_t channels, int hold);

    //! To be called in check_topology(), before the buffers of a run are made.
    void forget_made_buffers(int noutputs);
    //! In start(). False: a run begins. True: it goes on after lock() and unlock(), and
    //! left() samples fewer are counted from now on.
    bool begin();
    //! In stop().
    void keep();
    //! Samples that had left when the flowgraph was locked.
    int64_t left() const { return d_left; }
    //! Samples that fit in the smallest input buffer.
    int room() const;
    int hold() const { return d_hold; }

    //! The samples before this one were looked at.
    uint64_t scanned() const { return d_scanned; }
    //! Is there a channel that has ended, and was looked at to its last sample?
    bool ended();
    //! The samples before this one may leave, by `hold` alone.
    int64_t may_leave(bool at_end) const
    {
        return at_end ? d_scanned : d_scanned - d_hold;
    }
    //! Samples that each input must have; limit: those before it may leave.
    int needed(int64_t limit, bool at_end);

    //! The samples that are in the input buffers and were not looked at; reads their
    //! tags.
    size_t begin_scan(const gr_vector_int& ninput_items,
                      const gr_vector_const_void_star& input_items);
    //! Where they are, a pointer a channel.
    const std::vector<const gr_complex*>& input() const { return d_input; }
    //! Takes note of the tags of the next sample; true: there are some for commit().
    bool note_tags(segment_tracker& segment);
    //! The samples from the next one on, n at most, to before the next that has tags.
    size_t untagged(size_t n) const;
    //! So many more were looked at.
    void advance(size_t count) { d_scanned += count; }

    //! Tags to put out with a sample, if it has not left; shift: it starts that much
    //! earlier than it says.
    void add(const placed_tags& tags, int64_t shift = 0) { d_tags.add(tags, shift); }
    /*!
     * \brief Put out the samples before limit, and consume them and the zeros in front.
     *
     * \param moved becomes true if there were any, or zeros
     * \param late gets the number of tags whose sample had left
     * \returns the samples put out
     */
    int pass(int64_t limit,
             int noutput_items,
             const gr_vector_const_void_star& input_items,
             const gr_vector_void_star& output_items,
             bool& moved,
             size_t& late);

private:
    int64_t preloaded() const;
    int64_t read_position();
    int64_t position();

    gr::block& d_block;
    const int d_hold;
    run_marker d_marker;
    stream_tags d_tags;
    tag_writer d_writer;
    held_samples d_held;
    int64_t d_scanned = 0;
    int64_t d_zeros = 0;        //!< preloaded in front of the input's sample 0
    int64_t d_input_starts = 0; //!< the input's sample 0, as counted at the output
    int64_t d_left = 0;
    uint64_t d_tags_read = 0; //!< tags before this sample were noted
    std::vector<const gr_complex*> d_input;
    std::vector<channel_tag> d_arrived; //!< tags of the samples being scanned
    size_t d_next_tag = 0;              //!< of those, the first that was not noted
};

} // namespace gr::wfm
