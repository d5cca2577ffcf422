// SPDX-License-Identifier: GPL-3.0-or-later
#include "player/radio_fifo.h"
#include <algorithm>

namespace gr::wfm {

void radio_fifo::receive(uint64_t until)
{
    if (until <= d_received)
        return;
    const uint64_t fresh = until - d_received;
    const uint64_t fits = std::min(fresh, d_capacity - d_held);
    d_received = until;
    d_held += fits;
    d_pieces.back().end += fits;
    if (fits == fresh)
        return;
    d_lost += fresh - fits;
    // The radio goes on with the next sample, once there is room. If there
    // was none since the last overflow, it is the same one.
    const bool same = d_pieces.size() > 1 && d_pieces.back().begin == d_pieces.back().end;
    if (same) {
        d_pieces.back() = { until, until };
    } else {
        d_overflows++;
        d_pieces.push_back({ until, until });
    }
}

void radio_fifo::take(uint64_t count)
{
    d_pieces.front().begin += count;
    d_held -= count;
    if (available() == 0 && d_pieces.size() > 1)
        d_pieces.pop_front();
}

} // namespace gr::wfm
