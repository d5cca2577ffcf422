// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_TAP_COUNTERS_H
#define INCLUDED_WFM_TAP_COUNTERS_H

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

namespace gr {
namespace wfm {

//! Written by the stream thread, read by any.
struct tap_counters {
    using count = std::atomic<uint64_t>;
    count samples_in{ 0 };      //!< samples looked at, per channel
    count samples_out{ 0 };     //!< samples passed on, per channel
    count samples_before{ 0 };  //!< those of them before lock(); sample numbers begin after
    count windows_in{ 0 };      //!< windows cut whole and queued
    count windows_dropped{ 0 }; //!< windows lost because inference was too slow
    count windows_flushed{ 0 }; //!< windows begun but ended by a break or the end
    count windows_gated{ 0 };   //!< windows below the power gate
    count windows_invalid{ 0 }; //!< windows with NaN or Inf in them
    count samples_settled{ 0 }; //!< samples skipped after breaks
    count samples_lost{ 0 };    //!< samples the radio lost, by its clock or its count
    count samples_lost_estimated{ 0 }; //!< and by the host's clock, where it has none
    count breaks{ 0 };          //!< retunes, rate changes, time jumps, disagreements
    count tags_late{ 0 };       //!< results that missed their window's first sample

    std::map<std::string, uint64_t> values() const;
    void reset();
};

} // namespace wfm
} // namespace gr

#endif
