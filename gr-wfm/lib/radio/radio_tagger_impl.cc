// SPDX-License-Identifier: GPL-3.0-or-later
#include "radio/radio_tagger_impl.h"
#include "common/parameter_check.h"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer_reader.h>
#include <gnuradio/io_signature.h>
#include <stdexcept>

namespace gr::wfm {

namespace {

double steady_seconds()
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

constexpr parameter_check check("radio_tagger");

} // namespace

radio_tagger::sptr radio_tagger::make(int channels,
                                      double sample_rate,
                                      const std::vector<double>& center_freqs,
                                      bool clock,
                                      bool watch)
{
    check.channels(channels);
    check.sample_rate(sample_rate);
    return gnuradio::make_block_sptr<radio_tagger_impl>(
        channels, sample_rate, center_freqs, clock, watch);
}

radio_tagger_impl::radio_tagger_impl(int channels,
                                     double sample_rate,
                                     const std::vector<double>& center_freqs,
                                     bool clock,
                                     bool watch)
    : gr::block("radio_tagger",
                gr::io_signature::make(channels, channels, sizeof(gr_complex)),
                gr::io_signature::make(channels, channels, sizeof(gr_complex))),
      d_channels(channels),
      d_clocked(clock),
      d_watched(watch),
      d_clock(clock),
      d_rate(sample_rate),
      d_freqs(center_freqs)
{
    check_freqs(center_freqs);
    set_tag_propagation_policy(TPP_DONT);
}

void radio_tagger_impl::check_freqs(const std::vector<double>& center_freqs) const
{
    check(center_freqs.size() == d_channels,
          "the number of frequencies",
          center_freqs.size(),
          "one for each of " + std::to_string(d_channels) + " channels");
}

bool radio_tagger_impl::start()
{
    d_first = true;
    d_ending = d_over = d_source_ended = false;
    if (!d_marker.goes_on(*this))
        d_counters.reset();
    d_writer.begin(*this);
    d_estimated_before = d_lost_estimated;
    d_clock = d_clocked;
    d_time.reset();
    d_watch.reset();
    if (d_watched)
        d_watch.emplace(d_rate);
    d_segment.reset();
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        for (tuning& each : d_pending)
            if (each.index)
                each.index = 0; // samples count from 0 again
    }
    d_runs++;
    return block::start();
}

bool radio_tagger_impl::stop()
{
    d_over = true;
    return block::stop();
}

void radio_tagger_impl::forecast(int noutput_items, gr_vector_int& required)
{
    // A stream that is to end must not wait for samples.
    const bool ends = d_ending || an_input_ended(*this);
    std::fill(required.begin(), required.end(), ends ? 0 : 1);
}

bool radio_tagger_impl::waiting() const
{
    return detail() && !d_over && waiting_samples(*this, 0) > 0;
}

int radio_tagger_impl::general_work(int noutput_items,
                                    gr_vector_int& ninput_items,
                                    gr_vector_const_void_star& input_items,
                                    gr_vector_void_star& output_items)
{
    if (d_ending)
        return WORK_DONE;
    const int count = std::min(
        noutput_items, *std::min_element(ninput_items.begin(), ninput_items.end()));
    if (count <= 0) {
        d_source_ended = an_input_ended(*this);
        return d_source_ended ? static_cast<int>(WORK_DONE) : 0;
    }
    const double now = steady_seconds();
    const uint64_t first = nitems_read(0);
    const uint64_t end = first + count;
    if (!d_segment)
        d_segment = std::make_unique<segment_tracker>(1, d_rate, first);

    read_tags(*this, first, end, nullptr, d_arrived);
    if (d_first && (d_arrived.empty() || d_arrived.front().tag.offset != first))
        act_on({ first }, now, end);
    for (size_t next = 0; next < d_arrived.size();)
        act_on(apply(next), now, end);
    tune(first, end);
    d_samples += count;
    if (d_watch) {
        const uint64_t missing = d_watch->arrived(now, end);
        if (missing > 0) {
            d_overflows++;
            // Found after it happened: the stream goes on here at the right time.
            write_state(first, missing, true, true);
        }
        d_lost_estimated = d_estimated_before + d_watch->missing();
    }
    for (size_t i = 0; i < d_channels; i++)
        std::memcpy(output_items[i], input_items[i], count * sizeof(gr_complex));
    consume_each(count);
    return count;
}

void radio_tagger_impl::set_center_freqs(const std::vector<double>& center_freqs)
{
    check_freqs(center_freqs);
    // The samples that wait in the input buffer were received before.
    uint64_t index = 0;
    if (detail()) {
        const buffer_reader_sptr input = detail()->input(0);
        gr::thread::scoped_lock guard(*input->mutex());
        index = input->nitems_read() + input->items_available();
    }
    std::lock_guard<std::mutex> lock(d_mutex);
    d_pending.push_back({ center_freqs, index, {} });
}

void radio_tagger_impl::set_center_freqs_at(const std::vector<double>& center_freqs,
                                            uint64_t secs,
                                            double frac)
{
    check_freqs(center_freqs);
    std::lock_guard<std::mutex> lock(d_mutex);
    d_pending.push_back({ center_freqs, {}, time_anchor{ 0, secs, frac } });
}

void radio_tagger_impl::end()
{
    d_ending = true;
    if (detail())
        detail()->d_tpb.notify_msg();
}

} // namespace gr::wfm
