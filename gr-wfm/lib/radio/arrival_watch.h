// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <gnuradio/wfm/api.h>
#include <limits>

namespace gr::wfm {

/*!
 * \brief Estimates how many samples a radio without a clock lost, from when the
 * others arrived.
 *
 * A sample can arrive late, because the host was busy or because the driver
 * hands over large buffers, but never early. So the least delay of some time
 * is the radio's own, and where that least delay grows, samples are missing.
 * A growth below `smallest_step` is taken for two clocks that differ in speed.
 */
class WFM_API arrival_watch
{
public:
    //! Seconds by which the least delay must grow to be a loss.
    static constexpr double smallest_step = 5e-3;

    explicit arrival_watch(double sample_rate) : d_rate(sample_rate) {}

    //! From here on the radio gives this many samples a second.
    void set_rate(double sample_rate);

    /*!
     * \brief So many samples have arrived, the last of them at this time in seconds.
     * \returns about how many samples were found to be missing with this call, mostly 0
     */
    uint64_t arrived(double now, uint64_t count);

    /*!
     * \brief The radio says that it lost samples in front of these, but not how many.
     * \returns about how many
     */
    uint64_t told(double now, uint64_t count);

    //! So many samples are missing here, by the radio's own clock: they are not to be found again.
    void forgive(uint64_t samples) { d_counted += samples / d_rate; }

    //! About how many samples are missing so far; it becomes more exact after each loss.
    uint64_t missing() const;

private:
    void close_interval(double now);
    uint64_t report(double missing);

    double d_rate;
    double d_counted = 0;      //!< seconds of signal before d_rate held
    uint64_t d_count_then = 0; //!< samples by then
    uint64_t d_count = 0;
    double d_last = std::numeric_limits<double>::quiet_NaN(); //!< time of the last arrival

    double d_baseline = std::numeric_limits<double>::infinity(); //!< s, least delay before
    double d_least = std::numeric_limits<double>::infinity();    //!< s, of this interval
    double d_began = 0;         //!< s, when this interval began
    double d_longest_pause = 0; //!< s, between two arrivals of this interval
    double d_interval = 0.25;   //!< s
    bool d_after_loss = false;  //!< this interval tells how much was lost before it
    double d_missing = 0;       //!< samples, found
    double d_reported = 0;      //!< samples, given to the caller
};

} // namespace gr::wfm
