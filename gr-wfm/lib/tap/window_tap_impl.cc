// SPDX-License-Identifier: GPL-3.0-or-later
// What runs in the stream thread; a run's beginning and end are in window_tap_run.cc, the
// methods for other threads in window_tap_control.cc.
#include "tap/window_tap_impl.h"
#include "common/keys.h"
#include <algorithm>
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
      d_path(*this, p.channels, p.hold)
{
    set_hop(p.hop);
    set_gate_dbfs(p.gate_dbfs);
    // Not by set_min_output_buffer(), which writes a line to the log each time.
    d_min_output_buffer.assign(p.channels, output_buffer_samples);
    set_tag_propagation_policy(TPP_CUSTOM);
    message_port_register_out(keys::events);
}

// The samples before this one may leave.
int64_t window_tap_impl::may_leave(bool at_end) const
{
    int64_t limit = d_path.may_leave(at_end);
    if (!d_exact)
        return limit;
    for (const earlier_core& earlier : d_earlier)
        limit = std::min(limit, first_outstanding(*earlier.core, earlier.shift));
    return std::min(limit, first_outstanding(*d_run, 0));
}

void window_tap_impl::collect_results()
{
    for (const placed_tags& result : d_run->board.collect())
        d_path.add(result);
    if (d_earlier.empty())
        return;
    std::lock_guard<std::mutex> lock(d_core_mutex);
    std::vector<earlier_core> remain;
    for (const earlier_core& earlier : d_earlier) {
        // Asked before the results are collected: then none is missed.
        if (earlier.core->board.first_outstanding() != result_board::none)
            remain.push_back(earlier);
        for (const placed_tags& result : earlier.core->board.collect())
            d_path.add(result, earlier.shift);
    }
    d_earlier.swap(remain);
}

void window_tap_impl::forecast(int noutput_items, gr_vector_int& ninput_items_required)
{
    int needed = 0;
    if (!d_failed) {
        const bool at_end = d_path.ended();
        needed = d_path.needed(may_leave(at_end), at_end);
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
    const size_t fresh = d_path.begin_scan(ninput_items, input_items);
    bool moved = fresh > 0 && scan(fresh) > 0;

    const bool at_end = d_path.ended();
    if (at_end)
        d_cutter.pause(d_path.scanned());
    // Asked before the results are collected: a window whose result lets its
    // samples leave has its tags among them.
    const int64_t limit = may_leave(at_end);
    collect_results();
    size_t late = 0;
    const int produced =
        d_path.pass(limit, noutput_items, input_items, output_items, moved, late);
    d_counters.tags_late += late;
    d_counters.samples_out += produced;
    if (!moved)
        d_run->wait_after(signals, nap);
    return produced;
}

// Look at new samples: tags, pieces, windows. Returns how many could be taken.
size_t window_tap_impl::scan(size_t fresh)
{
    const bool cutting = !d_run->ring.closed();
    if (!cutting)
        d_cutter.pause(d_path.scanned());
    size_t done = 0;
    while (done < fresh) {
        const uint64_t offset = d_path.scanned();
        if (d_path.note_tags(*d_segment))
            act_on(d_segment->commit(offset), offset);
        const size_t count = d_path.untagged(fresh - done);
        const size_t taken =
            cutting ? d_cutter.advance(d_path.input(), done, offset, count, *d_segment)
                    : count;
        d_path.advance(taken);
        done += taken;
        if (taken < count)
            break;
    }
    d_counters.samples_in += done;
    return done;
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

} // namespace gr::wfm
