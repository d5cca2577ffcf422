// SPDX-License-Identifier: GPL-3.0-or-later
#include "player/sample_file.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace gr::wfm {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why)
{
    throw std::runtime_error("sample_player: " + path + ": " + why);
}

} // namespace

sample_file::sample_file(const std::string& path,
                         const sample_format& format,
                         size_t channels,
                         uint64_t header_bytes,
                         const std::vector<float>& hilbert)
    : d_format(format),
      d_frame(channels * format.bytes()),
      d_hilbert(format.real() ? hilbert : std::vector<float>()),
      d_header(header_bytes),
      d_file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) // a pipe would wait
{
    if (d_file < 0)
        refuse(path, std::strerror(errno));
    struct stat status;
    const bool known = ::fstat(d_file, &status) == 0 && S_ISREG(status.st_mode);
    const uint64_t bytes = known ? status.st_size : 0;
    if (bytes > header_bytes)
        d_samples = (bytes - header_bytes) / d_frame;
    if (d_samples == 0)
        ::close(d_file);
    if (!known)
        refuse(path, "not a regular file");
    if (d_samples == 0)
        refuse(path,
               "has " + std::to_string(bytes) + " bytes: no sample of " +
                   std::to_string(d_frame) + " bytes after a header of " +
                   std::to_string(header_bytes));
    ::posix_fadvise(d_file, 0, 0, POSIX_FADV_SEQUENTIAL);
}

size_t sample_file::load(uint64_t first, size_t count)
{
    const size_t reach = d_hilbert.size();
    d_begin = first > reach ? first - reach : 0;
    const uint64_t end = std::min<uint64_t>(first + count + reach, d_samples);
    const size_t wanted = end > d_begin ? (end - d_begin) * d_frame : 0;
    d_block.resize(wanted);
    size_t there = 0;
    while (there < wanted) {
        const ssize_t got = ::pread(d_file,
                                    d_block.data() + there,
                                    wanted - there,
                                    d_header + d_begin * d_frame + there);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        there += got;
    }
    const uint64_t last = d_begin + there / d_frame;
    if (there < wanted)
        d_samples = last; // it was cut
    return last > first ? std::min<uint64_t>(count, last - first) : 0;
}

void sample_file::read(uint64_t first, size_t count, size_t channel, gr_complex* to)
{
    if (d_hilbert.empty())
        convert(first, count, channel, to);
    else
        read_analytic(first, count, channel, to);
}

void sample_file::read_analytic(uint64_t first,
                                size_t count,
                                size_t channel,
                                gr_complex* to)
{
    const size_t reach = d_hilbert.size();
    const uint64_t begin = first > reach ? first - reach : 0;
    const uint64_t end = std::min<uint64_t>(first + count + reach, d_samples);
    d_real.resize(end - begin);
    convert(begin, end - begin, channel, d_real.data());
    d_padded.assign(count + 2 * reach, 0.0f);
    float* padded = d_padded.data() + (begin + reach - first);
    std::transform(d_real.begin(), d_real.end(), padded, [](const gr_complex& sample) {
        return sample.real();
    });
    for (size_t i = 0; i < count; i++) {
        const float* here = d_padded.data() + reach + i;
        float sum = 0.0f;
        for (size_t k = 1; k <= reach; k++)
            sum += d_hilbert[k - 1] * (*(here - k) - *(here + k));
        to[i] = gr_complex(*here, sum);
    }
}

sample_file::~sample_file() { ::close(d_file); }

} // namespace gr::wfm
