// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_SAMPLE_PUBLISHER_H
#define INCLUDED_WFM_SAMPLE_PUBLISHER_H

#include <cstdint>
#include <gnuradio/sync_block.h>
#include <gnuradio/wfm/api.h>
#include <memory>
#include <string>

namespace gr::wfm {

/*!
 * \brief Sends N coherent streams as packets of VITA 49.2, one stream id a channel.
 *
 * Every interval has context packets (sample rate, RF frequency, format) and signal
 * data packets with the time of their first sample. A time or rate or frequency that
 * a tag changes holds from its very sample on. What is unknown (PMT_NIL) is not in the
 * packets: without a time they have a free running count of samples.
 *
 * It never waits: who is too slow misses whole intervals.
 */
class WFM_API sample_publisher : virtual public gr::sync_block
{
public:
    using sptr = std::shared_ptr<sample_publisher>;

    /*!
     * \param address tcp://HOST:PORT or ipc://PATH, where a ZeroMQ PUB socket is bound;
     * or udp://HOST:PORT, where datagrams of one packet go
     * \param channels streams, 1 to 64
     * \param sample_rate Hz, until rx_rate tags say otherwise
     * \param interval samples of each channel from context to context, 1 to 65536;
     * a message of ZeroMQ holds one
     * \param high_water_mark messages that wait for each subscriber
     * \param sample_format cf32; or ci16, full scale 1.0 being 32768
     * \param datagram_bytes the largest packet over udp, 256 to 65507
     * \param stream_id of channel 0; the others follow
     * \throws std::invalid_argument for a parameter out of its range
     * \throws std::runtime_error for an address that cannot be had
     */
    static sptr make(const std::string& address,
                     int channels,
                     double sample_rate,
                     int interval,
                     int high_water_mark,
                     const std::string& sample_format = "cf32",
                     int datagram_bytes = 1472,
                     uint32_t stream_id = 0);

    //! Samples of each channel that went out, whether anybody listened or not.
    virtual uint64_t samples_sent() const = 0;
    //! Tags rx_time, rx_rate, rx_freq, wfm_lost and wfm_gap that had no such value.
    virtual uint64_t tags_ignored() const = 0;
    //! Take no more samples, so that the stream ends.
    virtual void finish() = 0;
    //! Has the stream ended? The flowgraph goes on while others of its blocks do.
    virtual bool ended() const = 0;
};

} // namespace gr::wfm

#endif
