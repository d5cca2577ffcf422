// SPDX-License-Identifier: GPL-3.0-or-later
// What runs in the stream thread; a run's beginning and end are in window_tap_run.cc, the
// methods for other threads in window_tap_control.cc.
#include "tap/window_tap_impl.h"
#include "common/keys.h"
#include <algorithm>
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer_reader.h>
#include <gnuradio/io_signature.h>
#include <limits>

namespace gr::wfm {

namespace {

// The longest that work() sleeps, and so how soon a blocked tap sees a stop.
constexpr std::chrono::milliseconds nap(20);

// One thread copies all channels: it must not be woken for every 4096 samples,
// as it would be with the scheduler's usual buffers. 1 MiB a channel.
constexpr long output_buffer_samples = 128 * 1024;

// As counted now; the largest number if every window has its result.
int64_t first_outstanding(const tap_core& core, int64_t shift)
{
    const uint64_t first = core.board.first_outstanding();
    return first == result_board::none ? std::numeric_limits<int64_t>::max()
                                       : static_cast<int64_t>(first) - shift;
}

} // namespace

window_tap_impl::window_tap_impl(const tap_parameters& p)
    : gr::block("window_tap",
                gr::io_signature::make(p.channels, p.channels, sizeof(gr_complex)),
                gr::io_signature::make(p.channels, p.channels, sizeof(gr_complex))),
      d_parameters(p),
      d_exact(p.lossless && p.hold >= p.window),
      d_core(std::make_shared<tap_core>(p.slots, p.channels, p.window)),
      d_cutter(p.channels, p.window, p.lossless, d_counters),
      d_held(p.channels),
      d_input(p.channels)
{
    set_hop(p.hop);
    set_gate_dbfs(p.gate_dbfs);
    // The scheduler sizes the input buffers by the history.
    set_history(p.hold + 1);
    // Not by set_min_output_buffer(), which writes a line to the log each time.
    d_min_output_buffer.assign(p.channels, output_buffer_samples);
    set_tag_propagation_policy(TPP_CUSTOM);
    message_port_register_out(keys::events);
}

// The first sample in the input buffer; it may be one of the zeros in front.
int64_t window_tap_impl::read_position()
{
    return static_cast<int64_t>(nitems_read(0)) + d_input_starts - d_zeros;
}

int64_t window_tap_impl::position()
{
    return read_position() - static_cast<int64_t>(d_held.left());
}

// Samples that fit in the smallest input buffer.
int window_tap_impl::room() const
{
    int room = detail()->input(0)->max_possible_items_available();
    for (int i = 1; i < d_parameters.channels; i++)
        room = std::min(room, detail()->input(i)->max_possible_items_available());
    return room;
}

// Is there a channel that has ended, and was looked at to its last sample?
bool window_tap_impl::ended()
{
    return an_input_ended(*this, d_scanned - read_position());
}

// The samples before this one may leave.
int64_t window_tap_impl::may_leave(bool at_end) const
{
    int64_t limit = at_end ? d_scanned : d_scanned - d_parameters.hold;
    if (!d_exact)
        return limit;
    for (const earlier_core& earlier : d_earlier)
        limit = std::min(limit, first_outstanding(*earlier.core, earlier.shift));
    return std::min(limit, first_outstanding(*d_run, 0));
}

void window_tap_impl::collect_results()
{
    for (const window_result& result : d_run->board.collect())
        d_tags.add(result, 0);
    if (d_earlier.empty())
        return;
    std::lock_guard<std::mutex> lock(d_core_mutex);
    std::vector<earlier_core> remain;
    for (const earlier_core& earlier : d_earlier) {
        // Asked before the results are collected: then none is missed.
        if (earlier.core->board.first_outstanding() != result_board::none)
            remain.push_back(earlier);
        for (const window_result& result : earlier.core->board.collect())
            d_tags.add(result, earlier.shift);
    }
    d_earlier.swap(remain);
}

void window_tap_impl::forecast(int noutput_items, gr_vector_int& ninput_items_required)
{
    int needed = 0;
    if (!d_failed) {
        const int64_t position = this->position();
        const bool at_end = ended();
        // Samples that can leave need no new ones; nor does an input that has
        // no new ones to give. A full buffer must not be asked for more.
        if (at_end || may_leave(at_end) > position)
            needed = d_held.left() > 0 ? 0 : 1;
        else
            needed = std::min<int64_t>(d_scanned - read_position() + 1, room());
    }
    std::fill(ninput_items_required.begin(), ninput_items_required.end(), needed);
}

int window_tap_impl::general_work(int noutput_items,
                                  gr_vector_int& ninput_items,
                                  gr_vector_const_void_star& input_items,
                                  gr_vector_void_star& output_items)
{
    if (d_failed)
        return WORK_DONE;
    // Seen first: what happens while we look counts as news.
    const uint64_t signals = d_run->signals();
    const size_t ahead = d_scanned - read_position();
    for (size_t i = 0; i < d_input.size(); i++)
        d_input[i] = static_cast<const gr_complex*>(input_items[i]) + ahead;
    const size_t there = *std::min_element(ninput_items.begin(), ninput_items.end());
    bool moved = there > ahead && scan(there - ahead) > 0;

    const bool at_end = ended();
    if (at_end)
        d_cutter.pause(d_scanned);
    // Asked before the results are collected: a window whose result lets its
    // samples leave has its tags among them.
    const int64_t limit = may_leave(at_end);
    collect_results();
    const int produced = pass(limit, noutput_items, input_items, output_items, moved);
    if (!moved)
        d_run->wait_after(signals, nap);
    return produced;
}

// Look at new samples: tags, pieces, windows. Returns how many could be taken.
size_t window_tap_impl::scan(size_t fresh)
{
    read_new_tags(fresh);
    const uint64_t first = d_scanned;
    const bool cutting = !d_run->ring.closed();
    if (!cutting)
        d_cutter.pause(d_scanned);
    size_t next_tag = 0;
    size_t done = 0;
    while (done < fresh) {
        next_tag = apply_tags(next_tag);
        const size_t end =
            next_tag < d_arrived.size() ? d_arrived[next_tag].tag.offset - first : fresh;
        const size_t taken =
            cutting ? d_cutter.advance(d_input, done, d_scanned, end - done, *d_segment)
                    : end - done;
        done += taken;
        d_scanned += taken;
        if (done < end)
            break;
    }
    d_counters.samples_in += done;
    return done;
}

// Into d_arrived, as counted at the output.
void window_tap_impl::read_new_tags(size_t fresh)
{
    const uint64_t first = std::max<uint64_t>(d_scanned, d_tags_read);
    read_tags(*this,
              first - d_input_starts,
              d_scanned + fresh - d_input_starts,
              nullptr,
              d_arrived);
    for (channel_tag& arrived : d_arrived)
        arrived.tag.offset += d_input_starts;
}

// Apply the tags of the sample at d_scanned; returns the first of the others.
size_t window_tap_impl::apply_tags(size_t next)
{
    const uint64_t offset = d_scanned;
    bool followed = false;
    for (; next < d_arrived.size() && d_arrived[next].tag.offset == offset; next++) {
        const channel_tag& arrived = d_arrived[next];
        d_tags.pass(arrived);
        d_tags_read = offset + 1;
        if (segment_tracker::follows(arrived.tag.key)) {
            d_segment->note(arrived.channel, arrived.tag);
            followed = true;
        }
    }
    if (followed)
        act_on(d_segment->commit(offset), offset);
    return next;
}

void window_tap_impl::act_on(segment_tracker::change change, uint64_t offset)
{
    using kind = segment_tracker::change;
    if (change == kind::none)
        return;
    if (change == kind::stop || change == kind::split)
        d_counters.breaks++;
    if (change == kind::stop) {
        d_logger->warn(
            "the channels' rx_freq, rx_rate or rx_time tags disagree: no window "
            "is cut until they agree");
        d_cutter.pause(offset);
        return;
    }
    if (d_segment->clock_set())
        d_logger->info(
            "rx_time jumps by more than an hour: taken for a clock that was set");
    d_counters.samples_lost += d_segment->lost();
    d_counters.samples_lost_estimated += d_segment->lost_about();
    if (!d_run->ring.closed())
        d_cutter.restart(offset, d_parameters.settle);
}

// Put out what may leave, and consume it, and the zeros before the stream.
int window_tap_impl::pass(int64_t limit,
                          int noutput_items,
                          const gr_vector_const_void_star& input_items,
                          const gr_vector_void_star& output_items,
                          bool& moved)
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
    if (count > 0)
        d_counters.tags_late += d_tags.write(first, first + count, d_writer);
    d_counters.samples_out += count;
    consume_each(held > 0 ? 0 : zeros + count);
    moved = moved || zeros + count > 0;
    return count;
}

} // namespace gr::wfm
