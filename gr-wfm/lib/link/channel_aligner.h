// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/counter_set.h"
#include "link/packet_link.h"
#include "vrt/vrt_packet.h"
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace gr::wfm {

//! Of a sample_subscriber; samples are per channel.
struct subscriber_counters : counter_set {
    counter packets_in{ *this, "packets_in" };
    //! Packets of samples whose context had not come yet.
    counter without_context{ *this, "without_context" };
    //! Intervals of which a channel did not come.
    counter incomplete{ *this, "incomplete" };
    counter refused{ *this, "refused" }; //!< messages
    counter samples_out{ *this, "samples_out" };
    counter samples_lost{ *this, "samples_lost" };
    counter samples_lost_estimated{ *this, "samples_lost_estimated" };
};

//! Samples of all channels from one stamp on.
struct aligned_samples {
    struct channel {
        const uint8_t* payload = nullptr; //!< none: not there yet
        vrt_format format = vrt_format::cf32;
        std::optional<double> freq;
        std::shared_ptr<const received_message> message; //!< keeps the payload
    };

    vrt_stamp stamp;
    size_t samples = 0;
    double rate = 0;
    std::vector<channel> channels;
    bool announced = false;   //!< a context came right in front of it
    bool sample_loss = false; //!< the sender says that some are missing in front of it
    unsigned packets_missing = 0; //!< by the packet count, of channel 0, modulo 16
    uint8_t packet_count = 0;
};

/*!
 * \brief Takes messages of packets, and gives out what all channels have.
 *
 * Channel c is stream id base + c. Packets of one interval have the same stamp and
 * as many samples; one of which a channel's never comes is left out when a later one
 * is complete.
 */
class channel_aligner
{
public:
    channel_aligner(size_t channels,
                    uint32_t stream_id,
                    bool whole_messages,
                    subscriber_counters& counters);

    /*!
     * \brief Take a message's packets: all of them, or none.
     * \throws vrt_refused
     */
    void take(const std::shared_ptr<const received_message>& message);

    bool ready() const { return !d_ready.empty(); }
    aligned_samples& front() { return d_ready.front(); }
    void pop() { d_ready.pop_front(); }

private:
    struct stream {
        std::optional<double> rate;
        std::optional<double> freq;
        std::optional<vrt_format> format;
        std::optional<uint8_t> next_count;
        bool announced = false;
        bool sample_loss = false;
    };

    //! All that a message changes.
    struct state {
        std::vector<stream> streams;
        std::deque<aligned_samples> waiting;
        uint64_t without_context = 0;
        uint64_t incomplete = 0;
    };

    size_t channel_of(uint32_t stream_id) const;
    void note(state& now, const vrt_context& context) const;
    void add(state& now,
             std::deque<aligned_samples>& ready,
             const vrt_data& data,
             const std::shared_ptr<const received_message>& message) const;
    aligned_samples&
    place_of(state& now, const vrt_data& data, size_t channel, size_t samples) const;

    const size_t d_channels;
    const uint32_t d_stream_id;
    const bool d_whole_messages; //!< a message has all channels of what is in it
    state d_state;
    std::deque<aligned_samples> d_ready;
    subscriber_counters& d_counters;
};

} // namespace gr::wfm
