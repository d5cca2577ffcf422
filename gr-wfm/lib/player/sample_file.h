// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "player/sample_format.h"
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace gr::wfm {

/*!
 * \brief A file of interleaved samples.
 *
 * Read and not mapped into memory: what is cut off a mapped file while it is
 * played ends the process (SIGBUS).
 */
class sample_file
{
public:
    /*!
     * \param hilbert makes real samples analytic, see sample_player; else empty
     * \throws std::runtime_error if there is no such file, or no sample in it
     */
    sample_file(const std::string& path,
                const sample_format& format,
                size_t channels,
                uint64_t header_bytes,
                const std::vector<float>& hilbert = {});
    ~sample_file();
    sample_file(const sample_file&) = delete;
    sample_file& operator=(const sample_file&) = delete;

    //! Samples per channel.
    uint64_t samples() const { return d_samples; }
    size_t channels() const { return d_frame / d_format.bytes(); }
    //! What comes after the first samples of the file is not played, and counts as 0
    //! where a filter reaches beyond them.
    void end_after(uint64_t samples) { d_samples = std::min(d_samples, samples); }
    /*!
     * \brief Fetch count samples of all channels, for read().
     * \returns how many of them the file really has: fewer if it was cut
     */
    size_t load(uint64_t first, size_t count);
    //! Convert count samples of one channel, which were loaded.
    void read(uint64_t first, size_t count, size_t channel, gr_complex* to);

private:
    void
    convert(uint64_t first, size_t count, size_t channel, gr_complex* to) const
    {
        d_format.convert(d_block.data() + (first - d_begin) * d_frame +
                             channel * d_format.bytes(),
                         d_frame,
                         count,
                         to);
    }
    void read_analytic(uint64_t first, size_t count, size_t channel, gr_complex* to);

    const sample_format d_format;
    const size_t d_frame; //!< bytes of one sample of all channels
    const std::vector<float> d_hilbert; //!< of h[1] on
    std::vector<gr_complex> d_real;     //!< samples with what the filter reaches
    std::vector<float> d_padded;
    const uint64_t d_header;
    uint64_t d_samples = 0;
    int d_file = -1;
    std::vector<unsigned char> d_block; //!< what is loaded, from sample d_begin on
    uint64_t d_begin = 0;
};

} // namespace gr::wfm
