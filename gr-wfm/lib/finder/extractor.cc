// SPDX-License-Identifier: GPL-3.0-or-later
#include "finder/extractor.h"
#include "finder/extraction.h"
#include <algorithm>
#include <gnuradio/thread/thread.h>
#include <utility>

namespace gr::wfm {

namespace {

constexpr size_t most_jobs = 1024;
constexpr size_t chunk = 1 << 14;

} // namespace

extractor::extractor(sample_ring& ring,
                     signal_queue& queue,
                     bool lossless,
                     finder_counters& counters,
                     std::function<void()> freed,
                     std::function<void(uint64_t)> dropped)
    : d_ring(ring),
      d_queue(queue),
      d_lossless(lossless),
      d_counters(counters),
      d_freed(std::move(freed)),
      d_dropped(std::move(dropped)),
      d_thread([this] { run(); })
{
}

extractor::~extractor()
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_stopped = true;
    }
    d_changed.notify_all();
    d_queue.abandon();
    d_thread.join();
}

void extractor::put(const found_signal& signal, uint64_t position)
{
    {
        std::unique_lock<std::mutex> lock(d_mutex);
        if (d_lossless)
            d_changed.wait(lock, [this] {
                return d_stopped || d_hurrying || d_jobs.size() < most_jobs;
            });
        if (!d_lossless && d_jobs.size() >= most_jobs) {
            d_jobs.pop_front();
            d_counters.signals_dropped++;
        }
        d_jobs.push_back({ signal, position });
        if (d_lossless)
            d_ring.keep(position);
    }
    d_changed.notify_all();
}

void extractor::hurry()
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_hurrying = true;
    }
    d_changed.notify_all();
}

void extractor::end()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    d_ending = true;
    if (d_jobs.empty() && !d_busy)
        d_queue.close(true);
}

void extractor::go_on()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    d_hurrying = d_ending = false;
    d_queue.close(false);
}

bool extractor::take(job& next)
{
    std::unique_lock<std::mutex> lock(d_mutex);
    d_busy = false;
    if (d_ending && d_jobs.empty())
        d_queue.close(true);
    d_changed.wait(lock, [this] { return d_stopped || !d_jobs.empty(); });
    if (d_stopped)
        return false;
    next = std::move(d_jobs.front());
    d_jobs.pop_front();
    d_busy = true;
    lock.unlock();
    d_changed.notify_all();
    return true;
}

void extractor::run()
{
    gr::thread::set_thread_name(gr::thread::get_current_thread_id(), "wfm_extract");
    job now;
    while (take(now)) {
        const bool whole = take_out(now);
        if (!whole)
            d_dropped(now.position);
        if (d_lossless) {
            d_ring.let_go(now.position);
            d_freed();
        }
        if (!whole) {
            d_counters.signals_dropped++;
            continue;
        }
        d_counters.signals_extracted++;
        d_counters.signals_dropped +=
            d_queue.put(std::make_shared<found_signal>(std::move(now.signal)));
    }
}

// False: its samples are gone.
bool extractor::take_out(job& now)
{
    extraction taken(now.signal.info.rx_rate,
                     now.signal.lower,
                     now.signal.upper,
                     now.signal.sample_count);
    std::vector<gr_complex> samples(std::min<uint64_t>(chunk, taken.needed()));
    for (uint64_t done = 0; done < taken.needed();) {
        const size_t count = std::min<uint64_t>(samples.size(), taken.needed() - done);
        if (!d_ring.copy(now.position + done, count, samples.data()))
            return false;
        taken.put(samples.data(), count);
        done += count;
    }
    now.signal.samples = taken.finish();
    now.signal.rate = taken.rate();
    return true;
}

} // namespace gr::wfm
