// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/counter_set.h"

namespace gr::wfm {

//! Written by the stream thread, read by any.
struct tap_counters : counter_set {
    counter samples_in{ *this, "samples_in" };           //!< looked at, per channel
    counter samples_out{ *this, "samples_out" };         //!< passed on, per channel
    counter samples_before{ *this, "samples_before" };   //!< of them, before lock()
    counter windows_in{ *this, "windows_in" };           //!< cut whole and queued
    counter windows_dropped{ *this, "windows_dropped" }; //!< inference was too slow
    counter windows_flushed{ *this, "windows_flushed" }; //!< cut by a break or the end
    counter windows_gated{ *this, "windows_gated" };     //!< below the power gate
    counter windows_invalid{ *this, "windows_invalid" }; //!< with NaN or Inf in them
    counter samples_settled{ *this, "samples_settled" }; //!< skipped after breaks
    //! Samples the radio lost, by its clock or its count.
    counter samples_lost{ *this, "samples_lost" };
    //! And by the host's clock, where it has none.
    counter samples_lost_estimated{ *this, "samples_lost_estimated" };
    //! Retunes, rate changes, time jumps, disagreements.
    counter breaks{ *this, "breaks" };
    counter tags_late{ *this, "tags_late" }; //!< missed their window's first sample
};

} // namespace gr::wfm
