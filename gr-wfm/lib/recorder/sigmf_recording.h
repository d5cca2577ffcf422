// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_SIGMF_RECORDING_H
#define INCLUDED_WFM_SIGMF_RECORDING_H

#include "frames/whole_frames_file.h"
#include <gnuradio/wfm/window_batch.h>
#include <string>

namespace gr {
namespace wfm {

//! What one recording's metadata says of all its samples.
struct sigmf_head {
    std::string datatype;
    double sample_rate;
    int channels;
    std::string label; //!< "": none
};

/*!
 * \brief A pair of new files, NAME.sigmf-data and NAME.sigmf-meta, that is valid SigMF
 * after every step.
 *
 * A capture is said only of samples that are there: a frame first, then the
 * metadata, by renaming a new file. Others may add to the metadata meanwhile
 * (wfm_core.data.recordings.annotations): whoever does holds flock() on the data file, and
 * what they wrote stays.
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
    std::string label_entry(uint64_t sample) const;
    void add(const std::string& capture, const std::string& annotation);
    void replace_meta();
    std::string data_path() const { return d_stem + ".sigmf-data"; }

    const std::string d_stem;
    const std::string d_new_meta; //!< names of the files while they are written
    const std::string d_new_data;
    const std::string d_label;
    whole_frames_file d_data;
    int d_captures = 0;
};

} // namespace wfm
} // namespace gr

#endif
