// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_WINDOW_BATCH_H
#define INCLUDED_WFM_WINDOW_BATCH_H

#include <cstdint>
#include <gnuradio/gr_complex.h>
#include <gnuradio/wfm/api.h>
#include <limits>
#include <memory>
#include <vector>

namespace gr::wfm {

//! What is known of one window besides its samples.
struct WFM_API window_info {
    uint64_t start = 0; //!< index of its first sample in the stream
    uint64_t lost = 0;  //!< samples lost before it that wfm_lost counted; of a recorder's
    float power = 0;    //!< mean |x|^2 over all its samples and channels
    bool has_rx_time = false;
    int64_t rx_time_secs = 0; //!< time of its first sample: whole seconds
    double rx_time_frac = 0;  //!< and the rest of a second
    double rx_freq = std::numeric_limits<double>::quiet_NaN(); //!< Hz, NaN: unknown
    double rx_rate = 0;                                        //!< samples/s
};

/*!
 * \brief Windows that the inference side has taken from a window_tap.
 *
 * It owns their slots until copy_to(), window_tap::complete(),
 * window_tap::discard() or its own end, whichever comes first. A batch that is
 * dropped without complete() counts as one without results.
 */
class WFM_API window_batch
{
public:
    using sptr = std::shared_ptr<window_batch>;
    virtual ~window_batch() = default;

    //! Number of windows; 0 means: the stream has ended, nothing will come.
    size_t count() const { return windows().size(); }
    virtual const std::vector<window_info>& windows() const = 0;
    virtual size_t channels() const = 0;
    virtual size_t window() const = 0;

    /*!
     * \brief Copy all windows to [count, channels, window] samples, free the slots.
     * \throws std::runtime_error if the slots are free already
     */
    virtual void copy_to(gr_complex* destination) = 0;
};

} // namespace gr::wfm

#endif
