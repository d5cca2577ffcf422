// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gr::wfm {

//! A message that came in, as long as somebody needs its bytes.
struct received_message {
    const uint8_t* bytes = nullptr;
    size_t size = 0;
    virtual ~received_message() = default;
};

/*!
 * \brief Where packets go: a ZeroMQ PUB socket (tcp://, ipc://), one message for all
 * packets of an interval; or UDP datagrams (udp://), one for each packet.
 *
 * For one thread at a time.
 */
class packet_sender
{
public:
    //! \throws std::runtime_error if the address is none, or cannot be had
    static std::unique_ptr<packet_sender>
    make(const std::string& address, int high_water_mark, size_t datagram_bytes);
    virtual ~packet_sender() = default;

    virtual size_t most_packet_bytes() const = 0;
    //! Room for the next message's packets.
    virtual uint8_t* room(size_t bytes) = 0;
    //! Send what was written there, packets of these sizes. It never waits.
    virtual void send(const std::vector<size_t>& packet_bytes) = 0;
};

/*!
 * \brief Where packets come from: a ZeroMQ SUB socket, or a UDP port that is bound.
 *
 * For one thread at a time.
 */
class packet_receiver
{
public:
    //! most_bytes: the largest message that is taken.
    //! \throws std::runtime_error if the address is none, or cannot be had
    static std::unique_ptr<packet_receiver>
    make(const std::string& address, int high_water_mark, size_t most_bytes);
    virtual ~packet_receiver() = default;

    //! The next message, or none when so many milliseconds brought none.
    //! \throws vrt_refused for what cannot be a message of ours
    virtual std::shared_ptr<const received_message> receive(int milliseconds) = 0;
    //! Does a message hold all channels of its interval?
    virtual bool holds_all_channels() const = 0;
};

//! Samples of an interval at most, and bytes of its message.
constexpr int most_interval = 65536;
constexpr size_t most_message_bytes(size_t channels)
{
    return (channels << 20) + 65536;
}

} // namespace gr::wfm
