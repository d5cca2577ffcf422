// SPDX-License-Identifier: GPL-3.0-or-later
#include "sample_file.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gr {
namespace wfm {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why)
{
    throw std::runtime_error("sample_player: " + path + ": " + why);
}

} // namespace

sample_file::sample_file(const std::string& path,
                         const sample_format& format,
                         size_t channels,
                         uint64_t header_bytes)
    : d_format(format), d_frame(channels * format.bytes())
{
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0)
        refuse(path, std::strerror(errno));
    struct stat status;
    const bool known = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    const uint64_t bytes = known ? status.st_size : 0;
    if (bytes > header_bytes)
        d_samples = (bytes - header_bytes) / d_frame;
    if (d_samples > 0) {
        d_map_bytes = bytes;
        d_map = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    }
    const int error = errno;
    ::close(file);
    if (!known)
        refuse(path, "not a regular file");
    if (d_samples == 0)
        refuse(path,
               "has " + std::to_string(bytes) + " bytes: no sample of " +
                   std::to_string(d_frame) + " bytes after a header of " +
                   std::to_string(header_bytes));
    if (d_map == MAP_FAILED)
        refuse(path, std::strerror(error));
    ::madvise(d_map, d_map_bytes, MADV_SEQUENTIAL);
    d_data = static_cast<const unsigned char*>(d_map) + header_bytes;
}

sample_file::~sample_file() { ::munmap(d_map, d_map_bytes); }

} // namespace wfm
} // namespace gr
