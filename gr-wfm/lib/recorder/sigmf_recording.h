// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "frames/whole_frames_file.h"
#include "recorder/file_lock.h"
#include <functional>
#include <gnuradio/wfm/window_batch.h>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace gr::wfm {

//! What one recording's metadata says of all its samples.
struct sigmf_head {
    std::string datatype;
    double sample_rate;
    int channels;
    std::string label; //!< "": none
};

/*!
 * \brief A pair of new files, NAME.sigmf-data and NAME.sigmf-meta: valid SigMF from the
 * moment the metadata are there, and after every step.
 *
 * The metadata come last, by one rename: a data file without them is no recording. Until
 * a file is whole it is hidden, .NAME.sigmf-data.recorder.part, and while there may be
 * such a file a lock on the folder is held. Both are as wfm_core.base.files has them, so
 * that either of the two removes what any killed writer left.
 *
 * A capture is said only of samples that are there: a frame first, then the metadata, by
 * renaming a new file. Others may add to the metadata meanwhile
 * (wfm_core.data.recordings.annotations): whoever does holds flock() on the data file,
 * and what they wrote stays.
 *
 * All methods throw std::runtime_error when the disk does not take it; what was
 * recorded before stays valid.
 */
class sigmf_recording
{
public:
    //! stem: the files' path without .sigmf-*; frame: the first one of the first capture
    //! \throws std::system_error with EEXIST if the name is taken
    sigmf_recording(const std::string& stem,
                    const sigmf_head& head,
                    const window_info& first,
                    const char* frame,
                    size_t frame_bytes);

    //! Remove what killed writers left in a folder, unless somebody writes there.
    static void clear_leftovers(const std::string& folder);

    //! Further samples of the capture.
    void append(const char* data, size_t frames) { d_data.append(data, frames); }
    //! A new capture begins with this frame.
    void begin_capture(const window_info& first, const char* frame);
    //! A comment on the last sample.
    void note(const std::string& text);

    uint64_t samples() const { return d_data.frames(); }
    int captures() const { return d_captures; }
    std::string meta_path() const { return d_stem + ".sigmf-meta"; }

private:
    void add_capture(nlohmann::ordered_json& metadata, const window_info& first);
    void change(const std::function<void(nlohmann::ordered_json&)>& how) const;
    std::string data_path() const { return d_stem + ".sigmf-data"; }

    const std::string d_stem;
    const std::string d_label;
    const file_lock d_writes_here;
    whole_frames_file d_data;
    int d_captures = 0;
};

} // namespace gr::wfm
