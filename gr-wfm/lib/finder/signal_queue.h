// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <gnuradio/wfm/signal_finder.h>
#include <mutex>
#include <vector>

namespace gr::wfm {

//! Signals with their samples that wait for who takes them: a bounded number of both.
class signal_queue
{
public:
    enum class outcome { some, none_yet, ended };

    signal_queue(size_t slots, bool lossless) : d_slots(slots), d_lossless(lossless) {}

    //! Waits for room in lossless; in live the oldest make it. Returns the number of
    //! signals that were dropped.
    size_t put(found_signal::sptr signal);
    outcome take(size_t most,
                 std::chrono::milliseconds timeout,
                 std::vector<found_signal::sptr>& signals);
    //! Nothing more is put in, for now; take() gives what waits, then the end.
    void close(bool closed);
    //! What waits is dropped, and nothing waits for room any more.
    void abandon();
    size_t waiting() const;

private:
    bool full(size_t samples) const;

    const size_t d_slots;
    const bool d_lossless;
    mutable std::mutex d_mutex;
    std::condition_variable d_arrived, d_taken;
    std::deque<found_signal::sptr> d_waiting;
    size_t d_samples = 0; //!< of all that wait
    bool d_closed = false, d_abandoned = false;
};

} // namespace gr::wfm
