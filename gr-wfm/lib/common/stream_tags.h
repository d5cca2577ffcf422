// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/channel_tags.h"
#include <cstdint>
#include <gnuradio/wfm/tag_list.h>
#include <map>
#include <vector>

namespace gr::wfm {

//! Tags that a block puts on a sample.
struct placed_tags {
    uint64_t start; //!< the sample
    tag_list tags;
};

/*!
 * \brief Tags that wait until their samples leave: those that came with the
 * stream, and results.
 */
class stream_tags
{
public:
    void clear();
    //! A tag that came in on a channel, and leaves on the same.
    void pass(const channel_tag& tag) { d_passing.insert({ tag.tag.offset, tag }); }
    //! shift: the sample is that much earlier than it says, maybe before sample 0.
    void add(const placed_tags& result, int64_t shift);
    //! All samples are counted from a later one: take this off all that waits.
    void shift(int64_t samples);
    /*!
     * \brief Write all that belongs to the samples from first to before end.
     *
     * A result whose sample has left goes to the first of them, as late.
     * \returns the number of such results
     */
    size_t write(uint64_t first, uint64_t end, tag_writer& writer);

private:
    std::multimap<uint64_t, channel_tag> d_passing;
    std::multimap<int64_t, tag_list> d_results;
};

} // namespace gr::wfm
