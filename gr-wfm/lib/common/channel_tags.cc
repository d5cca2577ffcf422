// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/channel_tags.h"
#include <algorithm>

namespace gr::wfm {

void read_tags(const gr::block& block,
               uint64_t first,
               uint64_t end,
               bool (*wanted)(const pmt::pmt_t& key),
               std::vector<channel_tag>& tags)
{
    tags.clear();
    block_detail& detail = *block.detail();
    std::vector<tag_t> own; // takes no memory where there are no tags
    for (int channel = 0; channel < detail.ninputs(); channel++) {
        detail.get_tags_in_range(own, channel, first, end, block.unique_id());
        for (const tag_t& tag : own)
            if (!wanted || wanted(tag.key))
                tags.push_back({ static_cast<size_t>(channel), tag });
    }
    std::stable_sort(
        tags.begin(), tags.end(), [](const channel_tag& a, const channel_tag& b) {
            return a.tag.offset < b.tag.offset;
        });
}

void tag_writer::begin(const gr::block& block)
{
    d_detail = block.detail().get();
    d_source = block.alias_pmt();
}

void tag_writer::write(size_t channel,
                       uint64_t offset,
                       const pmt::pmt_t& key,
                       const pmt::pmt_t& value)
{
    tag_t tag;
    tag.offset = offset;
    tag.key = key;
    tag.value = value;
    tag.srcid = d_source;
    pass(channel, tag);
}

void tag_writer::write(uint64_t offset, const pmt::pmt_t& key, const pmt::pmt_t& value)
{
    for (int channel = 0; channel < d_detail->noutputs(); channel++)
        write(channel, offset, key, value);
}

} // namespace gr::wfm
