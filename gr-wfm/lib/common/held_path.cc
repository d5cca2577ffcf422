// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/held_path.h"
#include <algorithm>
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer_reader.h>

namespace gr::wfm {

held_path::held_path(gr::block& block, size_t channels, int hold)
    : d_block(block), d_hold(hold), d_held(channels), d_input(channels)
{
    // The scheduler sizes the input buffers by the history.
    block.set_history(hold + 1);
}

// The scheduler notes the size that it made as the most that is allowed, and in the next
// run heeds that instead of the least: it would make the buffers small. A limit that a
// user has set was heeded the first time, and stays.
void held_path::forget_made_buffers(int noutputs)
{
    const block_detail_sptr before = d_block.detail();
    for (int i = 0; before && i < std::min(noutputs, before->noutputs()); i++) {
        const long made = before->output(i)->bufsize();
        if (d_block.max_output_buffer(i) == made && made >= d_block.min_output_buffer(i))
            d_block.set_max_output_buffer(i, -1);
    }
}

bool held_path::begin()
{
    d_zeros = preloaded();
    d_writer.begin(d_block);
    const bool goes_on = d_marker.goes_on(d_block);
    if (goes_on) { // what was held is now at the start of the stream
        d_tags.shift(d_left);
        d_scanned -= d_left;
    } else {
        d_tags.clear();
        d_held.clear();
        d_scanned = 0;
    }
    d_input_starts = d_scanned;
    d_tags_read = d_scanned;
    return goes_on;
}

// Zeros that the scheduler put in front of the first sample. It promises `hold` of them,
// and gives none after lock() and unlock(); the source may have begun to write.
int64_t held_path::preloaded() const
{
    const buffer_reader_sptr input = d_block.detail()->input(0);
    gr::thread::scoped_lock guard(*input->mutex());
    return input->items_available() -
           static_cast<int64_t>(input->buffer()->nitems_written() - input->nitems_read());
}

// unlock() would empty the input buffer; whether it comes, or an end, is not known yet.
void held_path::keep()
{
    d_left = std::max<int64_t>(position(), 0);
    for (size_t i = 0; i < d_input.size(); i++)
        d_input[i] =
            static_cast<const gr_complex*>(d_block.detail()->input(i)->read_pointer());
    const int64_t zeros = std::max<int64_t>(-read_position(), 0);
    const int64_t end = d_scanned - read_position();
    if (end > zeros)
        d_held.add(d_input, zeros, end - zeros);
}

int held_path::room() const
{
    const block_detail_sptr detail = d_block.detail();
    int room = detail->input(0)->max_possible_items_available();
    for (int i = 1; i < detail->ninputs(); i++)
        room = std::min(room, detail->input(i)->max_possible_items_available());
    return room;
}

// The first sample in the input buffer; it may be one of the zeros in front.
int64_t held_path::read_position()
{
    return static_cast<int64_t>(d_block.nitems_read(0)) + d_input_starts - d_zeros;
}

int64_t held_path::position()
{
    return read_position() - static_cast<int64_t>(d_held.left());
}

bool held_path::ended() { return an_input_ended(d_block, d_scanned - read_position()); }

// Samples that can leave need no new ones; nor does an input that has no new ones to
// give. A full buffer must not be asked for more.
int held_path::needed(int64_t limit, bool at_end)
{
    if (at_end || limit > position())
        return d_held.left() > 0 ? 0 : 1;
    return std::min<int64_t>(d_scanned - read_position() + 1, room());
}

size_t held_path::begin_scan(const gr_vector_int& ninput_items,
                             const gr_vector_const_void_star& input_items)
{
    const size_t ahead = d_scanned - read_position();
    for (size_t i = 0; i < d_input.size(); i++)
        d_input[i] = static_cast<const gr_complex*>(input_items[i]) + ahead;
    const size_t there = *std::min_element(ninput_items.begin(), ninput_items.end());
    const size_t fresh = there > ahead ? there - ahead : 0;
    d_next_tag = 0;
    d_arrived.clear();
    if (fresh == 0)
        return 0;
    read_tags(d_block,
              std::max<uint64_t>(d_scanned, d_tags_read) - d_input_starts,
              d_scanned + fresh - d_input_starts,
              nullptr,
              d_arrived);
    for (channel_tag& arrived : d_arrived)
        arrived.tag.offset += d_input_starts;
    return fresh;
}

bool held_path::note_tags(segment_tracker& segment)
{
    const uint64_t offset = d_scanned;
    bool followed = false;
    for (; d_next_tag < d_arrived.size() && d_arrived[d_next_tag].tag.offset == offset;
         d_next_tag++) {
        const channel_tag& arrived = d_arrived[d_next_tag];
        d_tags.pass(arrived);
        d_tags_read = offset + 1;
        if (segment_tracker::follows(arrived.tag.key)) {
            segment.note(arrived.channel, arrived.tag);
            followed = true;
        }
    }
    return followed;
}

size_t held_path::untagged(size_t n) const
{
    if (d_next_tag == d_arrived.size())
        return n;
    return std::min<uint64_t>(n, d_arrived[d_next_tag].tag.offset - d_scanned);
}

int held_path::pass(int64_t limit,
                    int noutput_items,
                    const gr_vector_const_void_star& input_items,
                    const gr_vector_void_star& output_items,
                    bool& moved,
                    size_t& late)
{
    int64_t first = position();
    const int64_t held = d_held.left();
    const int64_t zeros =
        held > 0 ? 0 : std::max<int64_t>(std::min<int64_t>(limit, 0) - first, 0);
    first += zeros;
    const int64_t most =
        held > 0 ? std::min<int64_t>(noutput_items, held) : noutput_items;
    const int64_t count = first < 0 ? 0 : std::clamp<int64_t>(limit - first, 0, most);
    if (held > 0)
        d_held.take(output_items, count);
    else
        for (size_t i = 0; i < output_items.size(); i++)
            std::copy_n(static_cast<const gr_complex*>(input_items[i]) + zeros,
                        count,
                        static_cast<gr_complex*>(output_items[i]));
    late = 0;
    if (count > 0)
        late = d_tags.write(first, first + count, d_writer);
    d_block.consume_each(held > 0 ? 0 : zeros + count);
    moved = moved || zeros + count > 0;
    return count;
}

} // namespace gr::wfm
