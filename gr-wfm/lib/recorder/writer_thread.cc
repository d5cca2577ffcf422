// SPDX-License-Identifier: GPL-3.0-or-later
#include "recorder/writer_thread.h"
#include <chrono>

namespace gr::wfm {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds step_patience(100);
constexpr std::chrono::seconds status_period(1);
constexpr std::chrono::milliseconds end_poll(50);
// Longer than a step may wait for who annotates the recording.
constexpr std::chrono::seconds end_patience(6);

} // namespace

writer_thread::writer_thread(const recorder_parameters& p,
                             recording_writer::listener tell,
                             std::function<void()> every_second)
    : ring(p.channels, p.ring_samples(), p.keep_samples()),
      d_every_second(std::move(every_second)),
      d_writer(p,
               ring,
               counters,
               [this, tell = std::move(tell)](const recording_event& event) {
                   call([&] { tell(event); });
               })
{
}

void writer_thread::begin()
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        ring.open();
        d_left_behind = false;
        if (d_running)
            return;
        d_running = true;
    }
    if (d_thread.joinable())
        d_thread.join();
    d_thread = std::thread([self = shared_from_this()] { self->run(); });
}

std::string writer_thread::end()
{
    ring.close();
    std::unique_lock<std::mutex> lock(d_mutex);
    uint64_t steps = d_steps;
    auto since = clock::now();
    while (!d_ended.wait_for(lock, end_poll, [this] { return !d_running; })) {
        if (d_steps != steps) {
            steps = d_steps;
            since = clock::now();
        } else if (clock::now() - since > end_patience) {
            d_left_behind = true;
            return "the disk has not answered for " +
                   std::to_string(end_patience.count()) +
                   " s: the thread that writes is left behind, with what it had not written";
        }
    }
    lock.unlock();
    if (d_thread.joinable())
        d_thread.join();
    return "";
}

void writer_thread::forget()
{
    {
        std::lock_guard<std::mutex> lock(d_calls);
        d_forgotten = true;
    }
    if ((d_left_behind || !end().empty()) && d_thread.joinable())
        d_thread.detach();
}

void writer_thread::run()
{
    auto next_status = clock::now();
    for (;;) {
        while (d_writer.step(step_patience)) {
            d_steps++;
            if (clock::now() >= next_status) {
                call(d_every_second);
                next_status += status_period;
            }
        }
        // Unless a new run has begun meanwhile, which counts on this thread.
        std::lock_guard<std::mutex> lock(d_mutex);
        if (ring.closed()) {
            d_running = false;
            d_ended.notify_all();
            return;
        }
    }
}

void writer_thread::call(const std::function<void()>& callback)
{
    std::lock_guard<std::mutex> lock(d_calls);
    if (!d_forgotten)
        callback();
}

} // namespace gr::wfm
