// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>

namespace gr::wfm {

//! Which samples a radio's FIFO holds, and which it lost; samples are numbers here.
class radio_fifo
{
public:
    explicit radio_fifo(uint64_t capacity) : d_capacity(capacity) {}

    //! The samples before this one have come in; those that do not fit are lost.
    void receive(uint64_t until);
    //! The next sample to take, and how many follow it without a gap.
    uint64_t next() const { return d_pieces.front().begin; }
    uint64_t available() const { return d_pieces.front().end - d_pieces.front().begin; }
    //! And all that wait, with those behind a gap.
    uint64_t held() const { return d_held; }
    uint64_t capacity() const { return d_capacity; }
    //! Take some of the available ones.
    void take(uint64_t count);

    uint64_t received() const { return d_received; }
    uint64_t lost() const { return d_lost; }
    uint64_t overflows() const { return d_overflows; }

private:
    struct piece {
        uint64_t begin;
        uint64_t end;
    };

    const uint64_t d_capacity;
    std::deque<piece> d_pieces{ { 0, 0 } }; //!< never empty; the last one grows
    uint64_t d_held = 0;
    uint64_t d_received = 0;
    uint64_t d_lost = 0;
    uint64_t d_overflows = 0;
};

} // namespace gr::wfm
