// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/counter_set.h"

namespace gr::wfm {

//! Written by the threads of a signal_finder, read by any.
struct finder_counters : counter_set {
    counter samples_in{ *this, "samples_in" };         //!< looked at or skipped
    counter samples_out{ *this, "samples_out" };       //!< passed on
    counter samples_before{ *this, "samples_before" }; //!< of them, before lock()
    //! Not looked at: the finder was too slow, or the rate is none that it can have.
    counter samples_skipped{ *this, "samples_skipped" };
    //! Samples the radio lost, by its clock or its count.
    counter samples_lost{ *this, "samples_lost" };
    //! And by the host's clock, where it has none.
    counter samples_lost_estimated{ *this, "samples_lost_estimated" };
    counter breaks{ *this, "breaks" }; //!< retunes, rate changes, time jumps
    counter signals_found{ *this, "signals_found" };
    //! Of them, those that max_duration ended.
    counter signals_cut{ *this, "signals_cut" };
    counter signals_extracted{ *this, "signals_extracted" };
    //! Not taken out, or not taken in time, by policy live.
    counter signals_dropped{ *this, "signals_dropped" };
    counter tags_late{ *this, "tags_late" }; //!< missed their signal's first sample
};

} // namespace gr::wfm
