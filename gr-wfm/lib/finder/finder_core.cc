// SPDX-License-Identifier: GPL-3.0-or-later
#include "finder/finder_core.h"
#include "common/time_anchor.h"
#include <algorithm>
#include <cmath>
#include <gnuradio/thread/thread.h>

namespace gr::wfm {

namespace {

constexpr size_t chunk = 1 << 14;
// Whatever a tag says of the rate, the ring is 1 GiB at most.
constexpr double most_in_ring = 1 << 27;
constexpr double least_in_ring = 1 << 17;
// So far the finder may be behind: it looks at a frame of 0.1 to 0.2 s in one go, and
// shares the processors with inference. A stream that waits needs room for what comes
// meanwhile alone.
constexpr double slack_seconds = 1.0, lossless_slack_seconds = 0.25;

bool same_frequency(const window_info& one, const window_info& other)
{
    return one.rx_freq == other.rx_freq ||
           (std::isnan(one.rx_freq) && std::isnan(other.rx_freq));
}

} // namespace

finder_core::finder_core(const finder_parameters& p, finder_counters& counters)
    : ring(p.lossless),
      queue(p.slots, p.lossless),
      d_parameters(p),
      d_counters(counters),
      d_samples(chunk)
{
    // Now: a transform of a new size is planned for long.
    d_finder.emplace(p.sample_rate, p.settings);
    if (p.extract)
        d_extractor.emplace(
            ring,
            queue,
            p.lossless,
            counters,
            [this] { signal(); },
            [this](uint64_t position) { d_results.forget(position); });
    d_thread = std::thread([this] { run(); });
}

finder_core::~finder_core()
{
    ring.close();
    if (d_extractor)
        d_extractor->hurry(); // the finder may wait for room
    d_thread.join();
}

void finder_core::begin_piece(const window_info& info)
{
    const finding::settings& settings = d_parameters.settings;
    // What is to be taken out must still be there when it is reported.
    const bool kept = d_parameters.extract && finding::settings::can_be(info.rx_rate);
    const double memory = kept ? finding::band_finder::memory(info.rx_rate, settings) : 0;
    const double seconds = d_parameters.lossless ? lossless_slack_seconds : slack_seconds;
    const double slack = std::max(seconds * info.rx_rate, least_in_ring);
    const double capacity = std::min(memory + slack, most_in_ring);
    ring.begin_piece(
        info,
        static_cast<size_t>(capacity),
        static_cast<size_t>(std::max(std::min(memory, capacity - slack), 0.0)));
}

void finder_core::complete(const std::vector<found_signal::sptr>& signals,
                           const std::vector<tag_list>& tags)
{
    std::vector<uint64_t> positions;
    for (const auto& one : signals)
        positions.push_back(one->position);
    d_results.resolve(positions, tags);
    signal();
}

void finder_core::abandon_results()
{
    d_results.abandon();
    signal();
}

std::vector<report> finder_core::collect()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    std::vector<report> reports;
    reports.swap(d_reports);
    return reports;
}

void finder_core::finish()
{
    d_finished = true;
    if (d_extractor)
        d_extractor->hurry();
    ring.end_piece();
    ring.wait_all_read();
    if (d_extractor)
        d_extractor->end();
    else
        queue.close(true);
}

void finder_core::go_on()
{
    d_finished = false;
    if (d_extractor)
        d_extractor->go_on();
    else
        queue.close(false);
}

void finder_core::run()
{
    gr::thread::set_thread_name(gr::thread::get_current_thread_id(), "wfm_find");
    sample_ring::stretch got;
    while (ring.read(d_samples.data(), 1, d_samples.size(), got)) {
        look(got);
        // The piece's end may be what the stream waits for.
        if (got.ends || d_parameters.lossless)
            signal();
    }
}

void finder_core::look(const sample_ring::stretch& got)
{
    d_counters.samples_skipped += got.skipped;
    d_boxes.clear();
    if (got.begins) {
        if (d_looking) // if samples were skipped, it was not told yet
            d_finder->finish(d_boxes);
        tell(d_boxes);
        d_boxes.clear();
        d_looking = finding::settings::can_be(got.info.rx_rate);
        if (d_looking && d_finder->rate() != got.info.rx_rate)
            d_finder.emplace(got.info.rx_rate, d_parameters.settings);
        if (!same_frequency(got.info, d_piece))
            d_finder->forget();
        d_piece = got.info;
        d_origin = got.position;
    }
    uint64_t decided = got.position + got.count;
    if (!d_looking) {
        d_counters.samples_skipped += got.count;
    } else {
        d_finder->push(d_samples.data(), got.count, d_boxes);
        if (got.ends)
            d_finder->finish(d_boxes);
        else
            decided = d_origin + d_finder->looked() + d_finder->ahead();
    }
    tell(d_boxes);
    if (decided != d_decided) {
        d_decided = decided;
        signal();
    }
}

void finder_core::tell(const std::vector<finding::found_box>& boxes)
{
    for (const finding::found_box& box : boxes) {
        report told;
        told.position = d_origin + box.sample_start;
        found_signal& signal = told.signal;
        signal.info = d_piece;
        signal.position = told.position;
        signal.info.start += box.sample_start;
        if (const auto time = time_anchor::of(d_piece))
            time->at(signal.info.start, d_piece.rx_rate).state_in(signal.info);
        signal.sample_count = box.sample_count;
        signal.lower = box.lower;
        signal.upper = box.upper;
        signal.snr_db = box.snr_db;
        signal.level_dbfs = box.level_dbfs;
        signal.cut = box.cut;
        d_counters.signals_found++;
        d_counters.signals_cut += box.cut;
        {
            std::lock_guard<std::mutex> lock(d_mutex);
            d_reports.push_back(told);
        }
        if (d_extractor) {
            if (d_awaits && d_parameters.lossless)
                d_results.expect(told.position);
            d_extractor->put(signal, told.position);
        }
    }
}

} // namespace gr::wfm
