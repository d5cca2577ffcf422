// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace gr::wfm {

/*!
 * \brief A new file that has whole frames at every moment, even when the process is
 * killed.
 *
 * The kernel ends a write early for SIGKILL, between two pages. So no write
 * reaches over the end of a page, and of a frame that does, the part behind it
 * goes first: the file then ends with that frame, its first part zero for an
 * instant. (Local file systems; a power failure is another matter.)
 */
class whole_frames_file
{
public:
    //! \throws std::system_error if the file exists already or cannot be made
    whole_frames_file(const std::string& path, size_t frame_bytes);
    ~whole_frames_file();
    whole_frames_file(const whole_frames_file&) = delete;
    whole_frames_file& operator=(const whole_frames_file&) = delete;

    //! \throws std::system_error when the disk is full; whole frames stay
    void append(const char* data, size_t frames);
    //! Takes the last frame off.
    void take_back();

    uint64_t frames() const { return d_bytes / d_frame; }

private:
    void put(const char* data, size_t bytes, uint64_t at);

    const size_t d_frame;
    const int d_file;
    uint64_t d_bytes = 0;
};

} // namespace gr::wfm
