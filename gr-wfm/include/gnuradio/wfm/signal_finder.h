// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_SIGNAL_FINDER_H
#define INCLUDED_WFM_SIGNAL_FINDER_H

#include <gnuradio/block.h>
#include <gnuradio/wfm/tag_list.h>
#include <gnuradio/wfm/window_batch.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gr::wfm {

//! A signal that was found in a band and, where asked for, taken out of it.
struct WFM_API found_signal {
    using sptr = std::shared_ptr<const found_signal>;

    //! Of its first sample: where in the stream, when, the band's middle and rate.
    window_info info;
    //! Where in the finder's own count, which goes on over lock() and unlock().
    uint64_t position = 0;
    uint64_t sample_count = 0;
    //! Hz from the middle of the band.
    double lower = 0, upper = 0;
    double snr_db = 0;     //!< power while it is on over the noise between its edges
    double level_dbfs = 0; //!< that power; 0 is a mean |x|^2 of 1
    bool cut = false;      //!< max_duration ended it, and it goes on
    //! Samples/s of the samples, about 0 Hz: twice the bandwidth within 1 %.
    double rate = 0;
    std::vector<gr_complex> samples;
};

/*!
 * \brief Finds each signal of a band in time and frequency, and passes the band on,
 * delayed in time, with the signals as tags.
 *
 * What is found is what wfm_core.signal.finding.SignalFinder finds. For each signal a
 * PDU on the message port `signals`, its dict with sample_start, sample_count,
 * freq_lower_edge and freq_upper_edge (Hz; from the middle of the band where rx_freq is
 * not known), snr_db, level_dbfs, cut, rx_time, rx_freq, sample_rate; and the same dict
 * as a tag `signal` on its first sample, or, if that is out already, on the next one,
 * with "late" true.
 *
 * A signal never spans a change of rx_freq or rx_rate, a jump of rx_time or lost samples:
 * it ends there. One that lasts longer than max_duration is reported in pieces.
 *
 * The stream thread copies the samples into a ring; one thread finds the signals, a
 * second one takes them out of the band. Policy "live": where the first is too slow,
 * samples are skipped; where the second or who takes the signals is, the oldest signal
 * that waits is dropped; all are counted. "lossless": the stream waits; and a sample
 * leaves only when the frame that is `hold` samples later was looked at, so that with a
 * hold of memory() or more no tag is late and every run gives the same.
 *
 * take() and complete() may be called from one other thread.
 */
class WFM_API signal_finder : virtual public gr::block
{
public:
    using sptr = std::shared_ptr<signal_finder>;

    /*!
     * \param sample_rate Hz, 100 to 1e10, until an rx_rate tag says otherwise
     * \param fft_size bins of a row of the middle resolution, a power of two from 16 to
     * 8192; 0: by the rate
     * \param false_alarms boxes a second that white noise alone may give
     * \param max_duration seconds; a signal that lasts longer is reported in pieces
     * \param min_snr dB; signals below it are not reported
     * \param hold samples that the through path lags behind, 0 to 16 Mi; 0 is 1, so that
     * the stream's last signals come before its end
     * \param policy "live" or "lossless"
     * \param extract take each signal out of the band, for take()
     * \param slots signals that wait for take(), at most; and 16 Mi samples of them
     * \throws std::invalid_argument for a parameter out of its range
     */
    static sptr make(double sample_rate,
                     int fft_size = 0,
                     double false_alarms = 0.05,
                     double max_duration = 2.0,
                     double min_snr = 6.0,
                     int hold = 0,
                     const std::string& policy = "live",
                     bool extract = false,
                     int slots = 64);

    /*!
     * \brief Take up to `most` signals with their samples, oldest first.
     * \returns false after timeout_ms without any; true and none once the stream has
     * ended and nothing waits
     */
    virtual bool
    take(int most, int timeout_ms, std::vector<found_signal::sptr>& signals) = 0;

    /*!
     * \brief From now on every signal that was taken out gets a complete().
     *
     * In lossless no sample leaves before the signals on it that were reported are
     * complete. To be called before the flowgraph runs.
     */
    virtual void await_results() = 0;

    /*!
     * \brief Hand in what came of signals that were taken: tags for the first sample of
     * each. One that is out already has them on the next sample, dicts with "late" true.
     *
     * \param tags may be empty, or has one list for each signal
     */
    virtual void complete(const std::vector<found_signal::sptr>& signals,
                          const std::vector<tag_list>& tags) = 0;

    //! End the flowgraph. drain: what was found so far can still be taken; else nothing
    //! waits for it any more.
    virtual void end(bool drain) = 0;

    //! Number of this run, from 1; lock() and unlock() begin no new one.
    virtual int run() const = 0;

    //! Ready for a new run after a stop; start() does it, too. No-op if it is.
    virtual void open() = 0;

    //! All counts of this run, see finder_counters.h, and "queue_depth".
    virtual std::map<std::string, uint64_t> counters() const = 0;

    //! Samples, at sample_rate, between a signal's first one and its report, at most.
    virtual uint64_t memory() const = 0;
};

} // namespace gr::wfm

#endif
