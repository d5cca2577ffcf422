// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_TAP_COUNTERS_H
#define INCLUDED_WFM_TAP_COUNTERS_H

#include "common/counter_set.h"

namespace gr {
namespace wfm {

//! Written by the stream thread, read by any.
struct tap_counters : counter_set {
    counter samples_in{ *this, "samples_in" };   //!< samples looked at, per channel
    counter samples_out{ *this, "samples_out" }; //!< samples passed on, per channel
    counter samples_before{
        *this, "samples_before"
    }; //!< those of them before lock(); sample numbers begin after
    counter windows_in{ *this, "windows_in" }; //!< windows cut whole and queued
    counter windows_dropped{
        *this, "windows_dropped"
    }; //!< windows lost because inference was too slow
    counter windows_flushed{
        *this, "windows_flushed"
    }; //!< windows begun but ended by a break or the end
    counter windows_gated{ *this, "windows_gated" }; //!< windows below the power gate
    counter windows_invalid{ *this,
                             "windows_invalid" }; //!< windows with NaN or Inf in them
    counter samples_settled{ *this, "samples_settled" }; //!< samples skipped after breaks
    counter samples_lost{
        *this, "samples_lost"
    }; //!< samples the radio lost, by its clock or its count
    counter samples_lost_estimated{
        *this, "samples_lost_estimated"
    }; //!< and by the host's clock, where it has none
    counter breaks{ *this,
                    "breaks" }; //!< retunes, rate changes, time jumps, disagreements
    counter tags_late{ *this,
                       "tags_late" }; //!< results that missed their window's first sample
};

} // namespace wfm
} // namespace gr

#endif
