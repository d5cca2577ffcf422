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

[[noreturn]] void fail() { throw std::runtime_error(zmq_strerror(zmq_errno())); }

struct zmq_message : received_message {
    zmq_message() { zmq_msg_init(&message); }
    ~zmq_message() override { zmq_msg_close(&message); }
    zmq_msg_t message;
};

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

zmq_handle::zmq_handle(int type, int linger_milliseconds)
    : d_context(zmq_ctx_new()), d_socket(zmq_socket(d_context, type))
{
    if (!d_socket) {
        const std::string why = zmq_strerror(zmq_errno());
        end_context();
        throw std::runtime_error(why);
    }
    zmq_setsockopt(
        d_socket, ZMQ_LINGER, &linger_milliseconds, sizeof linger_milliseconds);
}

zmq_handle::~zmq_handle()
{
    zmq_close(d_socket);
    end_context();
}

void zmq_handle::end_context()
{
    while (zmq_ctx_term(d_context) != 0 && zmq_errno() == EINTR)
        ;
}

void zmq_handle::set(int option, int value)
{
    if (zmq_setsockopt(d_socket, option, &value, sizeof value) != 0)
        fail();
}

void zmq_handle::set(int option, int64_t value)
{
    if (zmq_setsockopt(d_socket, option, &value, sizeof value) != 0)
        fail();
}

zmq_sender::zmq_sender(const std::string& address, int high_water_mark)
    : d_socket(ZMQ_PUB, send_linger)
{
    d_socket.set(ZMQ_SNDHWM, high_water_mark);
    if (zmq_bind(d_socket.get(), address.c_str()) != 0)
        fail();
    zmq_msg_init(&d_message);
}

zmq_sender::~zmq_sender() { zmq_msg_close(&d_message); }

size_t zmq_sender::most_packet_bytes() const { return wfm::most_packet_bytes; }

uint8_t* zmq_sender::room(size_t bytes)
{
    zmq_msg_close(&d_message);
    if (zmq_msg_init_size(&d_message, bytes) != 0) {
        zmq_msg_init(&d_message);
        throw std::bad_alloc();
    }
    return static_cast<uint8_t*>(zmq_msg_data(&d_message));
}

// A subscriber whose queue is full misses it; a PUB socket waits for none.
void zmq_sender::send(const std::vector<size_t>&)
{
    zmq_msg_send(&d_message, d_socket.get(), ZMQ_DONTWAIT);
}

zmq_receiver::zmq_receiver(const std::string& address,
                           int high_water_mark,
                           size_t most_bytes)
    : d_address(address), d_high_water_mark(high_water_mark), d_most_bytes(most_bytes)
{
    connect();
}

zmq_receiver::~zmq_receiver() { close(); }

void zmq_receiver::connect()
{
    d_socket = std::make_unique<zmq_handle>(ZMQ_SUB, 0);
    d_socket->set(ZMQ_RCVHWM, d_high_water_mark);
    // Nothing larger is allocated.
    d_socket->set(ZMQ_MAXMSGSIZE, static_cast<int64_t>(d_most_bytes));
    if (zmq_setsockopt(d_socket->get(), ZMQ_SUBSCRIBE, "", 0) != 0)
        fail();
    const int events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED;
    if (zmq_socket_monitor(d_socket->get(), monitor_address, events) != 0)
        fail();
    d_monitor = zmq_socket(d_socket->context(), ZMQ_PAIR);
    if (zmq_connect(d_monitor, monitor_address) != 0 ||
        zmq_connect(d_socket->get(), d_address.c_str()) != 0) {
        const std::string why = zmq_strerror(zmq_errno());
        close();
        throw std::runtime_error(why);
    }
}

void zmq_receiver::close()
{
    if (!d_socket)
        return;
    zmq_socket_monitor(d_socket->get(), nullptr, 0);
    zmq_close(d_monitor);
    d_socket.reset();
}

std::shared_ptr<const received_message> zmq_receiver::receive(int milliseconds)
{
    if (!wait(milliseconds))
        return {};
    auto received = std::make_shared<zmq_message>();
    if (zmq_msg_recv(&received->message, d_socket->get(), ZMQ_DONTWAIT) < 0)
        return {};
    int frames = 1;
    for (bool more = zmq_msg_more(&received->message); more; frames++) {
        zmq_message rest;
        more = zmq_msg_recv(&rest.message, d_socket->get(), ZMQ_DONTWAIT) >= 0 &&
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
    zmq_pollitem_t items[] = { { d_socket->get(), 0, ZMQ_POLLIN, 0 },
                               { d_monitor, 0, ZMQ_POLLIN, 0 } };
    if (zmq_poll(items, 2, milliseconds) <= 0)
        return false;
    if (items[0].revents)
        return true; // first what came before the connection ended
    if (items[1].revents && was_cut_off()) {
        close();
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
    while (const uint16_t event = next_event(d_monitor)) {
        cut_off = event == ZMQ_EVENT_DISCONNECTED;
        if (cut_off) {
            zmq_pollitem_t news = { d_monitor, 0, ZMQ_POLLIN, 0 };
            zmq_poll(&news, 1, retry_news);
        }
    }
    return cut_off;
}

} // namespace gr::wfm
