// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <gnuradio/tags.h>
#include <gnuradio/wfm/window_batch.h>
#include <optional>

namespace gr::wfm {

//! A time as UHD gives it, and the sample it belongs to.
struct time_anchor {
    uint64_t offset;
    //! Before 1970 they are negative, and count on in whole numbers modulo 2^64.
    uint64_t secs;
    double frac;

    //! The host's time, now.
    static time_anchor host(uint64_t offset);
    //! The time that rx_time states, a tuple (whole seconds, rest of a second) as UHD has
    //! it; none for another value.
    static std::optional<time_anchor> of(const tag_t& rx_time);
    //! The time of info.start, where it is known.
    static std::optional<time_anchor> of(const window_info& info);

    //! The time of another sample, at this rate in samples/s.
    time_anchor at(uint64_t other, double rate) const;
    //! Seconds from the other time to this one.
    double since(const time_anchor& other) const;
    //! As the value of rx_time.
    pmt::pmt_t value() const;
    //! State it as the time of info.start.
    void state_in(window_info& info) const;
};

} // namespace gr::wfm
