// SPDX-License-Identifier: GPL-3.0-or-later
// What other threads call: the inference side, and the settings.
#include "common/parameter_check.h"
#include "tap/window_tap_impl.h"
#include <algorithm>
#include <chrono>
#include <cmath>

namespace gr::wfm {

window_tap::sptr window_tap::make(int channels,
                                  int window,
                                  int hop,
                                  int hold,
                                  const std::string& policy,
                                  int slots,
                                  double sample_rate,
                                  int settle,
                                  double gate_dbfs)
{
    const tap_parameters parameters = check_tap_parameters(
        { channels, window, hop, hold, false, slots, sample_rate, settle, gate_dbfs },
        policy);
    return gnuradio::make_block_sptr<window_tap_impl>(parameters);
}

std::shared_ptr<tap_core> window_tap_impl::core() const
{
    std::lock_guard<std::mutex> lock(d_core_mutex);
    return d_core;
}

// Windows that waited when the flowgraph was locked come first.
std::shared_ptr<tap_core> window_tap_impl::core_to_take_from() const
{
    std::lock_guard<std::mutex> lock(d_core_mutex);
    for (const earlier_core& earlier : d_earlier)
        if (earlier.core->ring.waiting() > 0)
            return earlier.core;
    return d_core;
}

window_batch::sptr window_tap_impl::take(int max_windows, int timeout_ms)
{
    parameter_check("take")(max_windows >= 1, "max_windows", max_windows, "1 or more");
    const auto core = core_to_take_from();
    std::vector<int> slots;
    std::vector<window_info> infos;
    const auto outcome = core->ring.take(
        max_windows, std::chrono::milliseconds(std::max(timeout_ms, 0)), slots, infos);
    if (outcome == slot_ring::outcome::none_yet)
        return nullptr;
    return std::make_shared<taken_batch>(core, std::move(slots), std::move(infos));
}

void window_tap_impl::complete(const window_batch::sptr& batch,
                               const std::vector<tag_list>& tags)
{
    if (auto taken = std::dynamic_pointer_cast<taken_batch>(batch))
        taken->finish(tags);
}

void window_tap_impl::discard(const window_batch::sptr& batch) { complete(batch, {}); }

void window_tap_impl::open()
{
    std::lock_guard<std::mutex> lock(d_core_mutex);
    if (d_bypassed || !d_core->ring.closed())
        return;
    d_core = std::make_shared<tap_core>(
        d_parameters.slots, d_parameters.channels, d_parameters.window);
    d_failed = false;
}

void window_tap_impl::close()
{
    core()->ring.close();
    core()->signal();
}

void window_tap_impl::fail()
{
    d_failed = true;
    core()->signal();
}

void window_tap_impl::bypass()
{
    d_bypassed = true;
    std::vector<std::shared_ptr<tap_core>> cores;
    {
        std::lock_guard<std::mutex> lock(d_core_mutex);
        for (const earlier_core& earlier : d_earlier)
            cores.push_back(earlier.core);
        cores.push_back(d_core);
    }
    for (const auto& core : cores) {
        core->ring.abandon();
        core->board.abandon();
        core->signal();
    }
}

std::map<std::string, uint64_t> window_tap_impl::counters() const
{
    auto counts = d_counters.values();
    counts["queue_depth"] = core()->ring.waiting();
    return counts;
}

void window_tap_impl::set_gate_dbfs(double gate_dbfs)
{
    d_gate_dbfs = check_gate(gate_dbfs);
    d_cutter.set_gate(std::pow(10.0, gate_dbfs / 10.0));
}

void window_tap_impl::set_hop(int hop)
{
    d_cutter.set_hop(check_hop(hop, d_parameters.window, d_parameters.slots));
}

} // namespace gr::wfm
