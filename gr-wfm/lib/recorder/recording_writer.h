// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "frames/frame_packer.h"
#include "recorder/capture_ring.h"
#include "recorder/recorder_counters.h"
#include "recorder/recorder_parameters.h"
#include "recorder/sigmf_recording.h"
#include <functional>
#include <memory>

namespace gr::wfm {

//! What others are told of the recordings.
struct recording_event {
    std::string kind; //!< "begin", "end" or "error"
    std::string text; //!< path of the metadata, or why it failed
    std::string label;
    uint64_t sample_start; //!< in the stream
    uint64_t sample_count; //!< in the file
    uint64_t start;        //!< the number of the start command that it belongs to, from 1
};

/*!
 * \brief Does what the ring's commands say with the ring's samples: the writer thread's
 * side of a recorder.
 */
class recording_writer
{
public:
    using listener = std::function<void(const recording_event&)>;

    recording_writer(const recorder_parameters& parameters,
                     capture_ring& ring,
                     recorder_counters& counters,
                     listener tell);

    //! One command or piece; false once there will be none.
    bool step(std::chrono::milliseconds patience);

private:
    void obey(const capture_command& command);
    void write(const capture_piece& piece);
    void append(const char* data, size_t count);
    void count_written(size_t count);
    void begin_file(const window_info& first, const char* frame);
    void end_file();
    void say_notes();
    void fail(const std::exception& error);
    std::string next_stem();

    const recorder_parameters d_parameters;
    capture_ring& d_ring;
    recorder_counters& d_counters;
    const listener d_tell;

    capture_command d_command;
    capture_piece d_piece;
    size_t d_written = 0; //!< samples of the piece
    frame_packer d_packer;

    bool d_recording = false;
    uint64_t d_starts = 0; //!< commands so far
    std::string d_label;
    std::string d_name; //!< of the files, without their number
    std::string d_last_name; //!< the one before, whose numbers are used
    int d_number = 0;
    std::vector<std::string> d_notes; //!< for the next sample
    std::unique_ptr<sigmf_recording> d_file;
    double d_rate = 0;        //!< Hz, of the file
    uint64_t d_file_start = 0; //!< in the stream
};

} // namespace gr::wfm
