// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_FRAME_SINK_H
#define INCLUDED_WFM_FRAME_SINK_H

#include <cstdint>
#include <gnuradio/sync_block.h>
#include <gnuradio/wfm/api.h>
#include <string>

namespace gr::wfm {

/*!
 * \brief N streams into one file of ci16_le samples, channels interleaved, full scale 1.0.
 *
 * The file has whole frames at every moment. When the disk takes no more the block
 * keeps what is there, says so once in the log and in error(), and consumes the rest of
 * the streams: the flowgraph goes on.
 */
class WFM_API frame_sink : virtual public gr::sync_block
{
public:
    using sptr = std::shared_ptr<frame_sink>;

    /*!
     * \param channels streams, 1 or more
     * \param path the file, replaced if it exists
     * \throws std::runtime_error if the file cannot be made
     */
    static sptr make(int channels, const std::string& path);

    //! Why samples are missing at the end of the file, or "".
    virtual std::string error() const = 0;
    //! Samples of each channel in the file.
    virtual uint64_t samples() const = 0;
};

} // namespace gr::wfm

#endif
