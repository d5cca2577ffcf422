// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "recorder/capture_ring.h"
#include "recorder/recorder_counters.h"
#include "recorder/recording_writer.h"
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace gr::wfm {

/*!
 * \brief The thread that writes a recorder's recordings, and all that it uses: a disk
 * that hangs may hold it longer than the recorder lives.
 */
class writer_thread : public std::enable_shared_from_this<writer_thread>
{
public:
    //! Both are called in the thread, until forget().
    writer_thread(const recorder_parameters& parameters,
                  recording_writer::listener tell,
                  std::function<void()> every_second);

    capture_ring ring;
    recorder_counters counters;

    //! Start; one that was left behind goes on instead, when its disk does.
    void begin();
    //! Wait until all is written, however long that takes, unless nothing is done for
    //! some seconds. Returns "", or a sentence: it was left behind then.
    std::string end();
    //! The recorder is no more: nothing is told any more, and a thread that was left
    //! behind is let go.
    void forget();

private:
    void run();
    void call(const std::function<void()>& callback);

    const std::function<void()> d_every_second;
    std::mutex d_calls; //!< held while the recorder is called
    bool d_forgotten = false;
    recording_writer d_writer;
    std::thread d_thread;
    bool d_left_behind = false;
    std::atomic<uint64_t> d_steps{ 0 };

    std::mutex d_mutex; //!< for the one below
    bool d_running = false;
    std::condition_variable d_ended;
};

} // namespace gr::wfm
