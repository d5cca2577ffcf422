// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "link/packet_link.h"

namespace gr::wfm {

//! A UDP socket of udp://HOST:PORT: bound there, or sending there.
class udp_socket
{
public:
    //! \throws std::runtime_error if the address is none, or cannot be had
    udp_socket(const std::string& address, bool bind);
    ~udp_socket();
    udp_socket(const udp_socket&) = delete;
    udp_socket& operator=(const udp_socket&) = delete;

    int get() const { return d_socket; }

private:
    int d_socket = -1;
};

class udp_sender : public packet_sender
{
public:
    udp_sender(const std::string& address, size_t datagram_bytes);

    size_t most_packet_bytes() const override { return d_datagram_bytes; }
    uint8_t* room(size_t bytes) override;
    void send(const std::vector<size_t>& packet_bytes) override;

private:
    const udp_socket d_socket;
    const size_t d_datagram_bytes;
    std::vector<uint8_t> d_bytes;
};

class udp_receiver : public packet_receiver
{
public:
    explicit udp_receiver(const std::string& address);

    std::shared_ptr<const received_message> receive(int milliseconds) override;
    bool holds_all_channels() const override { return false; }

private:
    const udp_socket d_socket;
    std::vector<uint8_t> d_room;
};

} // namespace gr::wfm
