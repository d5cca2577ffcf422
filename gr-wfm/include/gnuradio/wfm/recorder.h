// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_RECORDER_H
#define INCLUDED_WFM_RECORDER_H

#include <cstdint>
#include <gnuradio/sync_block.h>
#include <gnuradio/wfm/api.h>
#include <map>
#include <string>

namespace gr::wfm {

/*!
 * \brief Records N streams as labelled SigMF, channels interleaved.
 *
 * The stream thread only copies into a ring, and never waits; a writer thread
 * takes from it. A sample is in its file as soon as the disk takes it, and the
 * files are valid SigMF at every moment: a kill loses what the ring holds.
 *
 * A change of rx_freq, a jump of rx_time or samples that were lost or dropped begin
 * a new capture, another rate a new file. A capture says its first sample's index in
 * what the radio received (core:global_index, with the samples that wfm_lost counts)
 * and, once any were lost, in the stream (wfm:stream_index); its frequency; and its
 * time: the radio's, or, where that counts from the radio's start or is not known,
 * the host's.
 * While the channels' tags disagree nothing is recorded.
 *
 * Message port in: control, a dict or pair with start (true, or a label), stop
 * (true), label, annotate (a comment on the sample now recorded); trigger, the
 * events of an event tracker: an event's begin starts with its label, its end
 * stops. Ports out: events (dict with event: begin, end, error, refused), status
 * (dict, once a second).
 */
class WFM_API recorder : virtual public gr::sync_block
{
public:
    using sptr = std::shared_ptr<recorder>;

    /*!
     * \param channels streams, 1 to 64
     * \param sample_rate Hz, until an rx_rate tag says otherwise
     * \param folder where the files go; made if it is missing
     * \param prefix what their names begin with; label, time and number follow
     * \param label annotates all samples; "" for none
     * \param recording from the first sample on
     * \param pre_trigger seconds before a start that are recorded, too
     * \param rotate_mb megabytes of samples, after which the next file begins; 0: never
     * \param datatype "cf32_le", or "ci16_le" with full scale 1.0
     * \param queue seconds that the disk may be behind before samples are dropped
     * \throws std::invalid_argument for a parameter out of its range
     * \throws std::runtime_error for a folder that cannot be written
     */
    static sptr make(int channels,
                     double sample_rate,
                     const std::string& folder,
                     const std::string& prefix = "recording",
                     const std::string& label = "",
                     bool recording = false,
                     double pre_trigger = 0.0,
                     double rotate_mb = 0.0,
                     const std::string& datatype = "cf32_le",
                     double queue = 2.0);

    //! Start or stop with the next sample.
    virtual void set_recording(bool recording) = 0;
    //! From the next sample on; while recording a new file begins.
    virtual void set_label(const std::string& label) = 0;
    //! A comment on the sample now recorded.
    virtual void annotate(const std::string& text) = 0;

    virtual bool recording() const = 0;
    //! Counts since the block was made, see recorder_counters.h.
    virtual std::map<std::string, uint64_t> counters() const = 0;
};

} // namespace gr::wfm

#endif
