// SPDX-License-Identifier: GPL-3.0-or-later
#include "tap/tap_counters.h"

namespace gr {
namespace wfm {

std::map<std::string, uint64_t> tap_counters::values() const
{
    return {
        { "samples_in", samples_in },
        { "samples_out", samples_out },
        { "samples_before", samples_before },
        { "windows_in", windows_in },
        { "windows_dropped", windows_dropped },
        { "windows_flushed", windows_flushed },
        { "windows_gated", windows_gated },
        { "windows_invalid", windows_invalid },
        { "samples_settled", samples_settled },
        { "samples_lost", samples_lost },
        { "samples_lost_estimated", samples_lost_estimated },
        { "breaks", breaks },
        { "tags_late", tags_late },
    };
}

void tap_counters::reset()
{
    for (count* each : { &samples_in,
                         &samples_out,
                         &samples_before,
                         &windows_in,
                         &windows_dropped,
                         &windows_flushed,
                         &windows_gated,
                         &windows_invalid,
                         &samples_settled,
                         &samples_lost,
                         &samples_lost_estimated,
                         &breaks,
                         &tags_late })
        *each = 0;
}

} // namespace wfm
} // namespace gr
