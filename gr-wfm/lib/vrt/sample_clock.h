// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace gr::wfm {

//! Whole seconds, negative before the epoch, and picoseconds (below 10^12) after them.
struct exact_time {
    int64_t secs = 0;
    uint64_t picoseconds = 0;

    bool operator==(const exact_time& other) const
    {
        return secs == other.secs && picoseconds == other.picoseconds;
    }
};

constexpr uint64_t picoseconds_per_second = 1000000000000;

//! What rx_time says: whole seconds and a finite rest, which may be negative or above 1.
exact_time to_exact_time(int64_t secs, double rest);

/*!
 * \brief Times of samples at one rate, by whole numbers: nothing adds up, however
 * many samples there are and whatever the rate.
 */
class sample_clock
{
public:
    static constexpr double slowest = 1e-3; //!< Hz
    static constexpr double fastest = 1e12;

    //! sample_rate in Hz, from slowest to fastest.
    explicit sample_clock(double sample_rate);

    //! Is this a rate that it can count with?
    static bool can_count(double sample_rate)
    {
        return sample_rate >= slowest && sample_rate <= fastest;
    }
    double rate() const { return d_rate; }

    //! So many samples after a time, to the nearest picosecond.
    exact_time after(const exact_time& start, uint64_t samples) const;
    //! Samples from one time to another, to the nearest, at most 2^62 either way.
    int64_t samples_between(const exact_time& from, const exact_time& to) const;

private:
    double d_rate;
    // the rate is d_numerator / 2^d_shift, exactly
    uint64_t d_numerator;
    unsigned d_shift;
};

} // namespace gr::wfm
