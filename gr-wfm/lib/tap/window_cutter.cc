// SPDX-License-Identifier: GPL-3.0-or-later
#include "tap/window_cutter.h"
#include <algorithm>
#include <cmath>
#include <volk/volk.h>

namespace gr::wfm {

window_cutter::window_cutter(size_t channels,
                             size_t window,
                             bool lossless,
                             tap_counters& counters)
    : d_channels(channels),
      d_window(window),
      d_lossless(lossless),
      d_counters(counters),
      d_hop(window)
{
}

void window_cutter::begin(std::shared_ptr<tap_core> core, uint64_t first)
{
    d_open.clear();
    d_core = std::move(core);
    d_cutting = true;
    d_next = d_settled_to = first;
}

void window_cutter::restart(uint64_t first, uint64_t skip)
{
    flush(first);
    d_counters.samples_settled += skip;
    d_settled_to = first + skip;
    d_next = d_settled_to;
    d_cutting = true;
}

void window_cutter::pause(uint64_t index)
{
    flush(index);
    d_cutting = false;
}

size_t window_cutter::advance(const std::vector<const gr_complex*>& samples,
                              size_t offset,
                              uint64_t index,
                              size_t n,
                              const segment_tracker& segment)
{
    if (!d_cutting)
        return n;
    size_t done = 0;
    while (done < n) {
        if (index + done == d_next && !open_next(segment))
            break;
        const size_t count = stretch(index + done, n - done);
        fill(samples, offset + done, count);
        done += count;
        while (!d_open.empty() && d_open.front().filled == d_window) {
            finish(d_open.front());
            d_open.pop_front();
        }
    }
    return done;
}

size_t window_cutter::stretch(uint64_t index, size_t n) const
{
    size_t count = n;
    if (d_next > index)
        count = std::min<uint64_t>(count, d_next - index);
    if (!d_open.empty())
        count = std::min(count, d_window - d_open.front().filled);
    return count;
}

// False: no slot, and windows must not be lost.
bool window_cutter::open_next(const segment_tracker& segment)
{
    const int slot = find_slot();
    if (slot == slot_ring::no_slot) {
        if (d_lossless)
            return false;
        d_counters.windows_dropped++;
    } else {
        open_window opened{ slot, 0, {} };
        opened.info.start = d_next;
        segment.describe(opened.info);
        d_open.push_back(opened);
    }
    d_next += d_hop;
    return true;
}

int window_cutter::find_slot()
{
    int slot = d_core->ring.acquire();
    if (slot != slot_ring::no_slot || d_lossless)
        return slot;
    window_info dropped;
    slot = d_core->ring.drop_oldest(dropped);
    if (slot != slot_ring::no_slot) {
        d_core->board.forget(dropped.start);
        d_counters.windows_dropped++;
    }
    return slot;
}

void window_cutter::fill(const std::vector<const gr_complex*>& samples,
                         size_t offset,
                         size_t n)
{
    for (open_window& window : d_open) {
        for (size_t channel = 0; channel < d_channels; channel++)
            std::copy_n(samples[channel] + offset,
                        n,
                        d_core->ring.channel_data(window.slot, channel) + window.filled);
        window.filled += n;
    }
}

void window_cutter::finish(open_window& full)
{
    const double power = mean_power(full.slot);
    full.info.power = static_cast<float>(power);
    if (!std::isfinite(power))
        d_counters.windows_invalid++;
    else if (power < d_gate)
        d_counters.windows_gated++;
    else {
        // Expected first: its result may come before publish() returns.
        d_core->board.expect(full.info.start);
        if (d_core->ring.publish(full.slot, full.info)) {
            d_counters.windows_in++;
            return;
        }
        d_core->board.forget(full.info.start);
        d_counters.windows_flushed++;
    }
    d_core->ring.release(full.slot);
}

// On the finished slot, so that it does not depend on how the samples arrived.
double window_cutter::mean_power(int slot)
{
    double sum = 0;
    for (size_t channel = 0; channel < d_channels; channel++) {
        const float* parts =
            reinterpret_cast<const float*>(d_core->ring.channel_data(slot, channel));
        float energy;
        volk_32f_x2_dot_prod_32f(&energy, parts, parts, 2 * d_window);
        sum += energy;
    }
    return sum / (d_channels * d_window);
}

void window_cutter::flush(uint64_t index)
{
    for (const open_window& window : d_open) {
        d_core->ring.release(window.slot);
        d_counters.windows_flushed++;
    }
    d_open.clear();
    // The end came while samples were skipped: count only those that were.
    if (d_settled_to > index) {
        d_counters.samples_settled -= d_settled_to - index;
        d_settled_to = index;
    }
}

} // namespace gr::wfm
