// SPDX-License-Identifier: GPL-3.0-or-later
#include "frames/whole_frames_file.h"
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace gr::wfm {

namespace {

// The smallest page of any Linux: a multiple of it is as good.
constexpr uint64_t page = 4096;

int open_new(const std::string& path)
{
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0)
        throw std::system_error(errno, std::generic_category(), path);
    return file;
}

} // namespace

whole_frames_file::whole_frames_file(const std::string& path, size_t frame_bytes)
    : d_frame(frame_bytes), d_file(open_new(path))
{
}

whole_frames_file::~whole_frames_file() { ::close(d_file); }

void whole_frames_file::append(const char* data, size_t frames)
{
    while (frames > 0) {
        const size_t in_page = page - d_bytes % page;
        const size_t whole = std::min(frames, in_page / d_frame);
        if (whole > 0) {
            put(data, whole * d_frame, d_bytes);
        } else {
            put(data + in_page, d_frame - in_page, d_bytes + in_page);
            put(data, in_page, d_bytes);
        }
        const size_t done = std::max<size_t>(whole, 1);
        d_bytes += done * d_frame;
        data += done * d_frame;
        frames -= done;
    }
}

void whole_frames_file::put(const char* data, size_t bytes, uint64_t at)
{
    ssize_t written;
    do {
        written = ::pwrite(d_file, data, bytes, at);
    } while (written < 0 && errno == EINTR);
    if (written == static_cast<ssize_t>(bytes))
        return;
    const int error = written < 0 ? errno : ENOSPC;
    if (::ftruncate(d_file, d_bytes) != 0)
        throw std::system_error(errno, std::generic_category(), "taking a part back");
    throw std::system_error(error, std::generic_category(), "writing samples");
}

void whole_frames_file::take_back()
{
    if (::ftruncate(d_file, d_bytes - d_frame) == 0)
        d_bytes -= d_frame;
}

} // namespace gr::wfm
