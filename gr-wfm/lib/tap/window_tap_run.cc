// SPDX-License-Identifier: GPL-3.0-or-later
// How a run begins, ends, and goes on after lock() and unlock().
#include "tap/window_tap_impl.h"
#include <algorithm>
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer_reader.h>
#include <utility>

namespace gr::wfm {

// Before the buffers of a run are made. The scheduler notes the size that it made as the
// most that is allowed, and in the next run heeds that instead of the least: it would
// make the buffers small. A limit that a user has set was heeded the first time, and
// stays.
bool window_tap_impl::check_topology(int ninputs, int noutputs)
{
    const block_detail_sptr before = detail();
    for (int i = 0; before && i < std::min(noutputs, before->noutputs()); i++) {
        const long made = before->output(i)->bufsize();
        if (max_output_buffer(i) == made && made >= min_output_buffer(i))
            set_max_output_buffer(i, -1);
    }
    return block::check_topology(ninputs, noutputs);
}

bool window_tap_impl::start()
{
    open();
    d_zeros = preloaded();
    d_writer.begin(*this);
    if (d_marker.goes_on(*this))
        go_on();
    else
        begin_run();
    // The samples in the buffers are lost, with their tags: what they said is unknown.
    d_segment = std::make_unique<segment_tracker>(
        d_parameters.channels, d_parameters.sample_rate, d_scanned);
    d_cutter.begin(d_run, d_scanned);
    if (room() <= d_parameters.hold) {
        d_logger->error("the input buffer has room for {:d} samples, hold is {:d}: "
                        "do not limit the output buffer of the block before",
                        room(),
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
    d_tags.clear();
    d_held.clear();
    d_scanned = d_input_starts = 0;
    d_tags_read = 0;
}

// After lock() and unlock(): what was held is now at the start of the stream.
void window_tap_impl::go_on()
{
    const auto before = std::exchange(d_run, core());
    d_run->attach(detail());
    {
        std::lock_guard<std::mutex> lock(d_core_mutex);
        for (earlier_core& earlier : d_earlier)
            earlier.shift += d_left;
        d_earlier.push_back({ before, d_left });
    }
    d_tags.shift(d_left);
    d_scanned -= d_left;
    d_input_starts = d_scanned;
    d_tags_read = d_scanned;
    d_counters.samples_before += d_left;
    d_counters.breaks++;
}

// Zeros that the scheduler put in front of the first sample. It promises `hold` of them,
// and gives none after lock() and unlock(); the source may have begun to write.
int64_t window_tap_impl::preloaded() const
{
    const buffer_reader_sptr input = detail()->input(0);
    gr::thread::scoped_lock guard(*input->mutex());
    return input->items_available() -
           static_cast<int64_t>(input->buffer()->nitems_written() - input->nitems_read());
}

// unlock() would empty the input buffer; whether it comes, or an end, is not known yet.
void window_tap_impl::keep_held()
{
    d_left = std::max<int64_t>(position(), 0);
    for (size_t i = 0; i < d_input.size(); i++)
        d_input[i] = static_cast<const gr_complex*>(detail()->input(i)->read_pointer());
    const int64_t zeros = std::max<int64_t>(-read_position(), 0);
    const int64_t end = d_scanned - read_position();
    if (end > zeros)
        d_held.add(d_input, zeros, end - zeros);
}

bool window_tap_impl::stop()
{
    d_cutter.pause(d_scanned);
    keep_held();
    close();
    d_bypassed = false;
    return block::stop();
}

} // namespace gr::wfm
