// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "link/packet_link.h"
#include <zmq.h>

namespace gr::wfm {

//! A socket of ZeroMQ in a context (and an I/O thread) of its own.
class zmq_handle
{
public:
    zmq_handle(int type, int linger_milliseconds);
    ~zmq_handle();
    zmq_handle(const zmq_handle&) = delete;
    zmq_handle& operator=(const zmq_handle&) = delete;

    void* context() const { return d_context; }
    void* get() const { return d_socket; }
    void set(int option, int value);
    void set(int option, int64_t value);

private:
    void end_context();

    void* const d_context;
    void* const d_socket;
};

class zmq_sender : public packet_sender
{
public:
    zmq_sender(const std::string& address, int high_water_mark);
    ~zmq_sender() override;

    size_t most_packet_bytes() const override;
    uint8_t* room(size_t bytes) override;
    void send(const std::vector<size_t>& packet_bytes) override;

private:
    zmq_handle d_socket;
    zmq_msg_t d_message;
};

class zmq_receiver : public packet_receiver
{
public:
    zmq_receiver(const std::string& address, int high_water_mark, size_t most_bytes);
    ~zmq_receiver() override;

    std::shared_ptr<const received_message> receive(int milliseconds) override;
    bool holds_all_channels() const override { return true; }

private:
    void connect();
    void close();
    bool wait(int milliseconds);
    bool was_cut_off();

    const std::string d_address;
    const int d_high_water_mark;
    const size_t d_most_bytes;
    std::unique_ptr<zmq_handle> d_socket;
    void* d_monitor = nullptr; //!< tells of the connection's end
};

} // namespace gr::wfm
