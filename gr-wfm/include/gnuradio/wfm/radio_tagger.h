// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_RADIO_TAGGER_H
#define INCLUDED_WFM_RADIO_TAGGER_H

#include <cstdint>
#include <gnuradio/block.h>
#include <gnuradio/wfm/api.h>
#include <map>
#include <string>
#include <vector>

namespace gr::wfm {

/*!
 * \brief Says on the very sample what a radio's driver does not: rx_time, rx_rate
 * and rx_freq at the first one and at every change or break.
 *
 * Right behind the radio; samples and other tags pass through. Where the radio
 * has a clock, its rx_time passes, too; elsewhere rx_time is the host's. A break
 * whose length the radio does not tell gets wfm_gap (uint64), about how many
 * samples are missing by the host's clock. gr-soapy says a break by an rx_rate
 * tag that changes nothing; with `watch`, losses of 5 ms and more that no driver
 * speaks of are found from when the samples arrive, up to a second late.
 */
class WFM_API radio_tagger : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<radio_tagger>;

    /*!
     * \param channels coherent streams, 1 to 64
     * \param sample_rate Hz
     * \param center_freqs Hz, one a channel
     * \param clock the radio tags rx_time itself
     * \param watch look for losses that the radio does not tell
     * \throws std::invalid_argument for a parameter out of its range
     */
    static sptr make(int channels,
                     double sample_rate,
                     const std::vector<double>& center_freqs,
                     bool clock,
                     bool watch);

    //! The radio was tuned (Hz, one a channel): from the next sample that it gives.
    virtual void set_center_freqs(const std::vector<double>& center_freqs) = 0;

    //! The radio will be tuned at this time of its clock: whole seconds, fraction.
    virtual void set_center_freqs_at(const std::vector<double>& center_freqs,
                                     uint64_t secs,
                                     double frac) = 0;

    //! End the stream: the next call of work says that it is done.
    virtual void end() = 0;

    //! How often the flowgraph has begun to run, or gone on after lock() and unlock().
    virtual uint64_t runs() const = 0;

    //! Has the stream ended since then?
    virtual bool ended() const = 0;

    //! Did it end because the radio's block did?
    virtual bool source_ended() const = 0;

    //! Does the radio time its samples? Not if the times that it tags are all nothing.
    virtual bool clock() const = 0;

    //! Samples of each channel that have passed in this run; lock() and unlock() do not end it.
    virtual uint64_t samples() const = 0;

    //! Are there samples of the radio's that the flowgraph has not fetched?
    virtual bool waiting() const = 0;

    //! samples, overflows, samples_lost (exact), samples_lost_estimated, of this run.
    //! Those that wait in the flowgraph's buffers at unlock() are dropped there, and in none of them.
    virtual std::map<std::string, uint64_t> counters() const = 0;
};

} // namespace gr::wfm

#endif
