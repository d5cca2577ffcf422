// SPDX-License-Identifier: GPL-3.0-or-later
#include "link/packet_link.h"
#include "link/udp_link.h"
#include "link/zmq_link.h"

namespace gr::wfm {

static bool is_udp(const std::string& address) { return address.rfind("udp://", 0) == 0; }

std::unique_ptr<packet_sender> packet_sender::make(const std::string& address,
                                                   int high_water_mark,
                                                   size_t datagram_bytes)
{
    if (is_udp(address))
        return std::make_unique<udp_sender>(address, datagram_bytes);
    return std::make_unique<zmq_sender>(address, high_water_mark);
}

std::unique_ptr<packet_receiver> packet_receiver::make(const std::string& address,
                                                       int high_water_mark,
                                                       size_t most_bytes)
{
    if (is_udp(address))
        return std::make_unique<udp_receiver>(address);
    return std::make_unique<zmq_receiver>(address, high_water_mark, most_bytes);
}

} // namespace gr::wfm
