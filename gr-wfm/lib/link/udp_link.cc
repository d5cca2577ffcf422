// SPDX-License-Identifier: GPL-3.0-or-later
#include "link/udp_link.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace gr::wfm {

namespace {

constexpr size_t largest_datagram = 65536;
// What the kernel may keep until it is fetched; it gives less where its limits are lower.
constexpr int kernel_bytes = 8 << 20;
constexpr size_t datagrams_at_once = 64;

struct udp_message : received_message {
    udp_message(const uint8_t* from, size_t count) : own(from, from + count)
    {
        bytes = own.data();
        size = count;
    }
    const std::vector<uint8_t> own;
};

using addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

addresses look_up(const std::string& address, bool bind)
{
    const std::string place = address.substr(std::strlen("udp://"));
    const size_t colon = place.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == place.size())
        throw std::runtime_error("no host and port in it");
    std::string host = place.substr(0, colon);
    if (host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_NUMERICSERV | (bind ? AI_PASSIVE : 0);
    addrinfo* found = nullptr;
    const bool any = bind && host == "*";
    const int error = getaddrinfo(
        any ? nullptr : host.c_str(), place.c_str() + colon + 1, &hints, &found);
    if (error != 0)
        throw std::runtime_error(gai_strerror(error));
    return addresses(found, freeaddrinfo);
}

} // namespace

udp_socket::udp_socket(const std::string& address, bool bind)
{
    const addresses found = look_up(address, bind);
    d_socket = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto join = bind ? ::bind : ::connect;
    if (d_socket < 0 || join(d_socket, found->ai_addr, found->ai_addrlen) != 0) {
        const std::string why = std::strerror(errno);
        if (d_socket >= 0)
            close(d_socket);
        throw std::runtime_error(why);
    }
    setsockopt(d_socket,
               SOL_SOCKET,
               bind ? SO_RCVBUF : SO_SNDBUF,
               &kernel_bytes,
               sizeof kernel_bytes);
}

udp_socket::~udp_socket() { close(d_socket); }

udp_sender::udp_sender(const std::string& address, size_t datagram_bytes)
    : d_socket(address, false), d_datagram_bytes(datagram_bytes)
{
}

uint8_t* udp_sender::room(size_t bytes)
{
    d_bytes.resize(bytes);
    return d_bytes.data();
}

// What the kernel has no room for is lost, as it may be on the way.
void udp_sender::send(const std::vector<size_t>& packet_bytes)
{
    uint8_t* next = d_bytes.data();
    for (size_t first = 0; first < packet_bytes.size();) {
        iovec parts[datagrams_at_once];
        mmsghdr datagrams[datagrams_at_once] = {};
        const size_t count = std::min(datagrams_at_once, packet_bytes.size() - first);
        for (size_t i = 0; i < count; i++) {
            parts[i] = { next, packet_bytes[first + i] };
            datagrams[i].msg_hdr.msg_iov = &parts[i];
            datagrams[i].msg_hdr.msg_iovlen = 1;
            next += packet_bytes[first + i];
        }
        for (size_t sent = 0; sent < count;) {
            const auto send_rest = [&] {
                return sendmmsg(
                    d_socket.get(), datagrams + sent, count - sent, MSG_DONTWAIT);
            };
            int some = send_rest();
            if (some < 0 && errno == ECONNREFUSED) // news of one sent before
                some = send_rest();
            sent += std::max(some, 1); // an error is of the first one alone
        }
        first += count;
    }
}

udp_receiver::udp_receiver(const std::string& address)
    : d_socket(address, true), d_room(largest_datagram)
{
}

std::shared_ptr<const received_message> udp_receiver::receive(int milliseconds)
{
    ssize_t size = recv(d_socket.get(), d_room.data(), d_room.size(), MSG_DONTWAIT);
    if (size < 0) {
        pollfd item = { d_socket.get(), POLLIN, 0 };
        if (poll(&item, 1, milliseconds) <= 0)
            return {};
        size = recv(d_socket.get(), d_room.data(), d_room.size(), MSG_DONTWAIT);
    }
    return size < 0 ? nullptr : std::make_shared<udp_message>(d_room.data(), size);
}

} // namespace gr::wfm
