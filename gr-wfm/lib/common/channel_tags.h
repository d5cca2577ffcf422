// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <gnuradio/block.h>
#include <gnuradio/block_detail.h>
#include <gnuradio/tags.h>
#include <vector>

namespace gr::wfm {

//! A tag, and the stream that it is on.
struct channel_tag {
    size_t channel;
    tag_t tag;
};

/*!
 * \brief The tags of all inputs of a block, in the order of the samples.
 *
 * \param block the block, from its thread
 * \param first the first of the samples, as the block's inputs count them
 * \param end the sample after the last one
 * \param wanted says of a tag's key whether it is asked for; null: all are
 * \param tags gets them, in place of what it had
 */
void read_tags(const gr::block& block,
               uint64_t first,
               uint64_t end,
               bool (*wanted)(const pmt::pmt_t& key),
               std::vector<channel_tag>& tags);

//! Puts tags on the outputs of a block, from its thread.
class tag_writer
{
public:
    //! A run begins: tags are from now on of this block.
    void begin(const gr::block& block);

    //! A tag as it is.
    void pass(size_t channel, const tag_t& tag) { d_detail->add_item_tag(channel, tag); }
    void write(size_t channel,
               uint64_t offset,
               const pmt::pmt_t& key,
               const pmt::pmt_t& value);
    //! On all channels.
    void write(uint64_t offset, const pmt::pmt_t& key, const pmt::pmt_t& value);

private:
    block_detail* d_detail = nullptr; //!< the scheduler's part of the block
    pmt::pmt_t d_source;
};

} // namespace gr::wfm
