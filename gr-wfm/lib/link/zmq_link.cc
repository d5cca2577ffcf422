// SPDX-License-Identifier: GPL-3.0-or-later
#include "link/zmq_link.h"
#include "vrt/vrt_packet.h"
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace gr::wfm {

namespace {

constexpr int send_linger = 200; // ms, for the last messages of a stream
constexpr int retry_news = 50;   // ms; that ZeroMQ connects again it says at once
constexpr char monitor_address[] = "inproc://connection";

void check(int result)
{
    if (result != 0)
        throw std::runtime_error(zmq_strerror(zmq_errno()));
}

template <typename T>
void set(const zmq_socket_ptr& socket, int option, T value)
{
    check(zmq_setsockopt(socket.get(), option, &value, sizeof value));
}

zmq_socket_ptr open_socket(const zmq_context& context, int type, int linger_milliseconds)
{
    zmq_socket_ptr socket(zmq_socket(context.get(), type));
    check(socket ? 0 : -1);
    set(socket, ZMQ_LINGER, linger_milliseconds);
    return socket;
}

// The number of an event of the monitor, or 0 when there is none.
uint16_t next_event(void* monitor)
{
    uint16_t event = 0;
    int more = 1;
    for (int frame = 0; more; frame++) {
        zmq_message part;
        if (zmq_msg_recv(&part.message, monitor, ZMQ_DONTWAIT) < 0)
            return 0;
        if (frame == 0 && zmq_msg_size(&part.message) >= sizeof event)
            std::memcpy(&event, zmq_msg_data(&part.message), sizeof event);
        more = zmq_msg_more(&part.message);
    }
    return event;
}

} // namespace

void zmq_closer::operator()(void* socket) const
{
    zmq_socket_monitor(socket, nullptr, 0); // nobody takes its news any more
    zmq_close(socket);
}

void zmq_terminator::operator()(void* context) const
{
    while (zmq_ctx_term(context) != 0 && zmq_errno() == EINTR)
        ;
}

zmq_sender::zmq_sender(const std::string& address, int high_water_mark)
    : d_context(zmq_ctx_new()), d_socket(open_socket(d_context, ZMQ_PUB, send_linger))
{
    set(d_socket, ZMQ_SNDHWM, high_water_mark);
    check(zmq_bind(d_socket.get(), address.c_str()));
}

size_t zmq_sender::most_packet_bytes() const { return wfm::most_packet_bytes; }

uint8_t* zmq_sender::room(size_t bytes)
{
    zmq_msg_t* const message = &d_message.message;
    zmq_msg_close(message);
    if (zmq_msg_init_size(message, bytes) != 0) {
        zmq_msg_init(message);
        throw std::bad_alloc();
    }
    return static_cast<uint8_t*>(zmq_msg_data(message));
}

// A subscriber whose queue is full misses it; a PUB socket waits for none.
void zmq_sender::send(const std::vector<size_t>&)
{
    zmq_msg_send(&d_message.message, d_socket.get(), ZMQ_DONTWAIT);
}

zmq_receiver::zmq_receiver(const std::string& address,
                           int high_water_mark,
                           size_t most_bytes)
    : d_address(address), d_high_water_mark(high_water_mark), d_most_bytes(most_bytes)
{
    connect();
}

void zmq_receiver::connect()
{
    d_socket.reset();
    d_monitor.reset();
    d_context.reset(zmq_ctx_new());
    d_socket = open_socket(d_context, ZMQ_SUB, 0);
    set(d_socket, ZMQ_RCVHWM, d_high_water_mark);
    // Nothing larger is allocated.
    set(d_socket, ZMQ_MAXMSGSIZE, static_cast<int64_t>(d_most_bytes));
    check(zmq_setsockopt(d_socket.get(), ZMQ_SUBSCRIBE, "", 0));
    const int events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED;
    check(zmq_socket_monitor(d_socket.get(), monitor_address, events));
    d_monitor = open_socket(d_context, ZMQ_PAIR, 0);
    check(zmq_connect(d_monitor.get(), monitor_address));
    check(zmq_connect(d_socket.get(), d_address.c_str()));
}

std::shared_ptr<const received_message> zmq_receiver::receive(int milliseconds)
{
    if (!wait(milliseconds))
        return {};
    auto received = std::make_shared<zmq_message>();
    if (zmq_msg_recv(&received->message, d_socket.get(), ZMQ_DONTWAIT) < 0)
        return {};
    int frames = 1;
    for (bool more = zmq_msg_more(&received->message); more; frames++) {
        zmq_message rest;
        more = zmq_msg_recv(&rest.message, d_socket.get(), ZMQ_DONTWAIT) >= 0 &&
               zmq_msg_more(&rest.message);
    }
    if (frames > 1)
        throw vrt_refused("frames",
                          "a message of " + std::to_string(frames) +
                              " frames: one is expected");
    received->bytes = static_cast<const uint8_t*>(zmq_msg_data(&received->message));
    received->size = zmq_msg_size(&received->message);
    return received;
}

// Is there a message?
bool zmq_receiver::wait(int milliseconds)
{
    zmq_pollitem_t items[] = { { d_socket.get(), 0, ZMQ_POLLIN, 0 },
                               { d_monitor.get(), 0, ZMQ_POLLIN, 0 } };
    if (zmq_poll(items, 2, milliseconds) <= 0)
        return false;
    if (items[0].revents)
        return true; // first what came before the connection ended
    if (items[1].revents && was_cut_off()) {
        connect();
        throw vrt_refused("connection",
                          "the publisher sent what ZeroMQ refuses, such as a message of "
                          "more than " +
                              std::to_string(d_most_bytes) + " bytes");
    }
    return false;
}

// Has the connection ended, and ZeroMQ does not try again? So it does with whom
// breaks its protocol, as a message that is too large does.
bool zmq_receiver::was_cut_off()
{
    bool cut_off = false;
    while (const uint16_t event = next_event(d_monitor.get())) {
        cut_off = event == ZMQ_EVENT_DISCONNECTED;
        if (cut_off) {
            zmq_pollitem_t news = { d_monitor.get(), 0, ZMQ_POLLIN, 0 };
            zmq_poll(&news, 1, retry_news);
        }
    }
    return cut_off;
}

} // namespace gr::wfm
