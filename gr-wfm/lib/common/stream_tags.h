// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_STREAM_TAGS_H
#define INCLUDED_WFM_STREAM_TAGS_H

#include "tap/result_board.h"
#include <functional>
#include <gnuradio/tags.h>
#include <map>
#include <vector>

namespace gr {
namespace wfm {

/*!
 * \brief Tags that wait until their samples leave: those that came with the
 * stream, and results.
 */
class stream_tags
{
public:
    //! (output, tag): puts a tag on an output
    using writer = std::function<void(size_t, const tag_t&)>;

    explicit stream_tags(size_t channels) : d_channels(channels) {}

    void clear();
    //! A tag that came in on a channel, and leaves on the same.
    void pass(size_t channel, const tag_t& tag);
    //! shift: the window starts that much earlier than it says, maybe before sample 0.
    void add(const window_result& result, int64_t shift);
    //! All samples are counted from a later one: take this off all that waits.
    void shift(int64_t samples);
    /*!
     * \brief Write all that belongs to the samples from first to before end.
     *
     * A result whose sample has left goes to the first of them, as late.
     * \returns the number of such results
     */
    size_t write(uint64_t first, uint64_t end, const writer& write_tag);

private:
    struct channel_tag {
        size_t channel;
        tag_t tag;
    };

    void write_result(const tag_list& tags,
                      uint64_t offset,
                      bool late,
                      const writer& write_tag);

    const size_t d_channels;
    std::multimap<uint64_t, channel_tag> d_passing;
    std::multimap<int64_t, tag_list> d_results;
};

} // namespace wfm
} // namespace gr

#endif
