// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_SAMPLE_FILE_H
#define INCLUDED_WFM_SAMPLE_FILE_H

#include "sample_format.h"
#include <cstdint>
#include <string>

namespace gr {
namespace wfm {

//! A file of interleaved samples, mapped into memory.
class sample_file
{
public:
    //! \throws std::runtime_error if there is no such file, or no sample in it
    sample_file(const std::string& path,
                const sample_format& format,
                size_t channels,
                uint64_t header_bytes);
    ~sample_file();
    sample_file(const sample_file&) = delete;
    sample_file& operator=(const sample_file&) = delete;

    //! Samples per channel.
    uint64_t samples() const { return d_samples; }
    //! Convert count samples of one channel.
    void read(uint64_t first, size_t count, size_t channel, gr_complex* to) const
    {
        d_format.convert(
            d_data + first * d_frame + channel * d_format.bytes(), d_frame, count, to);
    }

private:
    const sample_format d_format;
    const size_t d_frame; //!< bytes of one sample of all channels
    uint64_t d_samples = 0;
    void* d_map = nullptr;
    size_t d_map_bytes = 0;
    const unsigned char* d_data = nullptr;
};

} // namespace wfm
} // namespace gr

#endif
