// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/result_board.h"
#include "common/stream_waker.h"
#include "finder/extractor.h"
#include "finder/finder_parameters.h"
#include "finding/band_finder.h"
#include <atomic>
#include <optional>

namespace gr::wfm {

//! A signal, and where it begins in the ring.
struct report {
    found_signal signal;
    uint64_t position;
};

/*!
 * \brief What a signal_finder's threads share in one run: the ring of samples, the thread
 * that finds signals, the one that takes them out, and the queue of those.
 *
 * It is signalled when a frame was looked at, and when the ring has room again.
 */
class finder_core : public stream_waker
{
public:
    finder_core(const finder_parameters& parameters, finder_counters& counters);
    ~finder_core();

    sample_ring ring;
    signal_queue queue;

    // Of any thread.

    //! complete() comes for each signal that is taken out.
    void await_results() { d_awaits = true; }
    //! Tags for the sample there, or none; whoever was asked has answered.
    void complete(const std::vector<found_signal::sptr>& signals,
                  const std::vector<tag_list>& tags);
    //! No result comes any more.
    void abandon_results();

    // Of the stream thread.

    //! The results since the last call, placed in the ring.
    std::vector<placed_tags> collect_results() { return d_results.collect(); }
    //! No signal that begins before it waits for its result; result_board::none for all.
    uint64_t complete_to() const { return d_results.first_outstanding(); }
    //! A piece of the stream begins.
    void begin_piece(const window_info& info);
    //! The signals found since the last call.
    std::vector<report> collect();
    //! Before this sample comes no signal is found that is not yet.
    uint64_t decided() const { return d_decided; }
    //! Waits until all that was put in was looked at; nothing waits for take() then.
    void finish();
    //! More is to come, after finish().
    void go_on();
    bool finished() const { return d_finished; }

private:
    void run();
    void look(const sample_ring::stretch& got);
    void tell(const std::vector<finding::found_box>& boxes);

    const finder_parameters d_parameters;
    finder_counters& d_counters;

    // Of the thread that finds.
    std::optional<finding::band_finder> d_finder;
    bool d_looking = false; //!< at a piece, of which the rate can be
    window_info d_piece;    //!< of its first sample
    uint64_t d_origin = 0;  //!< and where that is in the ring
    std::vector<gr_complex> d_samples;
    std::vector<finding::found_box> d_boxes;

    std::atomic<uint64_t> d_decided{ 0 };
    std::atomic<bool> d_finished{ false };
    std::atomic<bool> d_awaits{ false };
    result_board d_results;
    std::mutex d_mutex; //!< for the reports
    std::vector<report> d_reports;
    std::optional<extractor> d_extractor;
    std::thread d_thread; // begins last
};

} // namespace gr::wfm
