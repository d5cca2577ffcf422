// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/counter_set.h"

namespace gr::wfm {

//! Samples are per channel.
struct recorder_counters : counter_set {
    counter samples_in{ *this, "samples_in" };             //!< that came
    counter samples_recorded{ *this, "samples_recorded" }; //!< that are in files
    //! Lost while recording: the disk was too slow.
    counter samples_dropped{ *this, "samples_dropped" };
    //! That waited when the disk failed.
    counter samples_unwritten{ *this, "samples_unwritten" };
    //! Skipped, as the channels' tags disagreed.
    counter samples_unaligned{ *this, "samples_unaligned" };
    counter recordings{ *this, "recordings" }; //!< files begun
    counter failures{ *this, "failures" };     //!< recordings ended by the disk
    counter refused{ *this, "refused" };       //!< messages not understood
};

} // namespace gr::wfm
