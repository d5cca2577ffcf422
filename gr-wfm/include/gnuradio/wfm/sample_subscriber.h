// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_SAMPLE_SUBSCRIBER_H
#define INCLUDED_WFM_SAMPLE_SUBSCRIBER_H

#include <cstdint>
#include <gnuradio/sync_block.h>
#include <gnuradio/wfm/api.h>
#include <map>
#include <memory>
#include <string>

namespace gr::wfm {

/*!
 * \brief The N streams of a sample_publisher, or of another sender of VITA 49.2.
 *
 * Tags on every output: rx_rate, rx_time and rx_freq at the first sample, where one of
 * them changes, where samples are missing, and as often as the sender repeats its
 * context. What the sender does not say is PMT_NIL. Missing samples are a jump of
 * rx_time, and wfm_lost where no time is known but a count of samples is; wfm_gap,
 * about how many, by the packets' count modulo 16 where there is neither.
 *
 * What is malformed is refused, counted, logged once for each kind, and the stream goes
 * on.
 */
class WFM_API sample_subscriber : virtual public gr::sync_block
{
public:
    using sptr = std::shared_ptr<sample_subscriber>;

    /*!
     * \param address where the publisher is bound (tcp://, ipc://), or the
     * udp://HOST:PORT that is bound here
     * \param channels streams, 1 to 64
     * \param high_water_mark messages that wait here (not over udp)
     * \param stream_id of channel 0; the others follow
     * \throws std::invalid_argument for a parameter out of its range
     * \throws std::runtime_error for an address that is none, or cannot be had
     */
    static sptr make(const std::string& address,
                     int channels,
                     int high_water_mark,
                     uint32_t stream_id = 0);

    /*!
     * packets_in, refused (messages), samples_out, samples_lost,
     * samples_lost_estimated, incomplete (intervals of which a channel did not come),
     * without_context (packets that came before it)
     */
    virtual std::map<std::string, uint64_t> counters() const = 0;
    //! Why the last message was refused, or "".
    virtual std::string last_refusal() const = 0;
};

} // namespace gr::wfm

#endif
