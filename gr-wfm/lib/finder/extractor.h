// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "finder/finder_counters.h"
#include "finder/sample_ring.h"
#include "finder/signal_queue.h"
#include <functional>
#include <thread>

namespace gr::wfm {

//! The thread that takes found signals out of the band.
class extractor
{
public:
    //! freed: called when samples of the ring are not needed any more; dropped: with the
    //! position of a signal that could not be taken out.
    extractor(sample_ring& ring,
              signal_queue& queue,
              bool lossless,
              finder_counters& counters,
              std::function<void()> freed,
              std::function<void(uint64_t)> dropped);
    ~extractor();

    //! A signal whose samples begin there in the ring. Lossless waits for room.
    void put(const found_signal& signal, uint64_t position);
    //! put() does not wait any more, until go_on().
    void hurry();
    //! What was put in is taken out, and then the queue is closed.
    void end();
    //! More is to come.
    void go_on();

private:
    struct job {
        found_signal signal;
        uint64_t position;
    };

    void run();
    bool take(job& next);
    bool take_out(job& now);

    sample_ring& d_ring;
    signal_queue& d_queue;
    const bool d_lossless;
    finder_counters& d_counters;
    const std::function<void()> d_freed;
    const std::function<void(uint64_t)> d_dropped;

    std::mutex d_mutex;
    std::condition_variable d_changed;
    std::deque<job> d_jobs;
    bool d_busy = false;
    bool d_hurrying = false, d_ending = false;
    bool d_stopped = false;
    std::thread d_thread; // begins last
};

} // namespace gr::wfm
