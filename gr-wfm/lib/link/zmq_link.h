// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "link/packet_link.h"
#include <zmq.h>

namespace gr::wfm {

struct zmq_terminator {
    void operator()(void* context) const;
};
struct zmq_closer {
    void operator()(void* socket) const;
};
//! A context, with an I/O thread of its own; its sockets are to be closed before it.
using zmq_context = std::unique_ptr<void, zmq_terminator>;
using zmq_socket_ptr = std::unique_ptr<void, zmq_closer>;

struct zmq_message : received_message {
    zmq_message() { zmq_msg_init(&message); }
    ~zmq_message() override { zmq_msg_close(&message); }
    zmq_msg_t message;
};

class zmq_sender : public packet_sender
{
public:
    zmq_sender(const std::string& address, int high_water_mark);

    size_t most_packet_bytes() const override;
    uint8_t* room(size_t bytes) override;
    void send(const std::vector<size_t>& packet_bytes) override;

private:
    const zmq_context d_context;
    const zmq_socket_ptr d_socket;
    zmq_message d_message;
};

class zmq_receiver : public packet_receiver
{
public:
    zmq_receiver(const std::string& address, int high_water_mark, size_t most_bytes);

    std::shared_ptr<const received_message> receive(int milliseconds) override;
    bool holds_all_channels() const override { return true; }

private:
    void connect();
    bool wait(int milliseconds);
    bool was_cut_off();

    const std::string d_address;
    const int d_high_water_mark;
    const size_t d_most_bytes;
    zmq_context d_context;
    zmq_socket_ptr d_monitor; //!< tells of the connection's end
    zmq_socket_ptr d_socket;
};

} // namespace gr::wfm
