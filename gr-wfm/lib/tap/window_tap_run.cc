// SPDX-License-Identifier: GPL-3.0-or-later
// How a run begins, ends, and goes on after lock() and unlock().
#include "tap/window_tap_impl.h"
#include <utility>

namespace gr::wfm {

bool window_tap_impl::check_topology(int ninputs, int noutputs)
{
    d_path.forget_made_buffers(noutputs);
    return block::check_topology(ninputs, noutputs);
}

bool window_tap_impl::start()
{
    open();
    if (d_path.begin())
        go_on();
    else
        begin_run();
    // The samples in the buffers are lost, with their tags: what they said is unknown.
    d_segment = std::make_unique<segment_tracker>(
        d_parameters.channels, d_parameters.sample_rate, d_path.scanned());
    d_cutter.begin(d_run, d_path.scanned());
    if (d_path.room() <= d_parameters.hold) {
        d_logger->error("the input buffer has room for {:d} samples, hold is {:d}: "
                        "do not limit the output buffer of the block before",
                        d_path.room(),
                        d_parameters.hold);
        fail();
    }
    return block::start();
}

void window_tap_impl::begin_run()
{
    {
        std::lock_guard<std::mutex> lock(d_core_mutex);
        d_earlier.clear();
    }
    d_run = core();
    d_run->attach(detail());
    d_counters.reset();
    d_runs++;
}

void window_tap_impl::go_on()
{
    const auto before = std::exchange(d_run, core());
    d_run->attach(detail());
    {
        std::lock_guard<std::mutex> lock(d_core_mutex);
        for (earlier_core& earlier : d_earlier)
            earlier.shift += d_path.left();
        d_earlier.push_back({ before, d_path.left() });
    }
    d_counters.samples_before += d_path.left();
    d_counters.breaks++;
}

bool window_tap_impl::stop()
{
    d_cutter.pause(d_path.scanned());
    d_path.keep();
    close();
    d_bypassed = false;
    return block::stop();
}

} // namespace gr::wfm
