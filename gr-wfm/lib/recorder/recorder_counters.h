// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_RECORDER_COUNTERS_H
#define INCLUDED_WFM_RECORDER_COUNTERS_H

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

namespace gr {
namespace wfm {

//! Samples are per channel.
struct recorder_counters {
    using count = std::atomic<uint64_t>;
    count samples_in{ 0 };        //!< samples that came
    count samples_recorded{ 0 };  //!< samples that are in files
    count samples_dropped{ 0 };   //!< samples lost while recording: the disk was too slow
    count samples_unwritten{ 0 }; //!< samples that waited when the disk failed
    count samples_unaligned{ 0 }; //!< samples skipped, the channels' tags disagreed
    count recordings{ 0 };        //!< files begun
    count failures{ 0 };          //!< recordings ended by the disk
    count refused{ 0 };           //!< messages not understood

    std::map<std::string, uint64_t> values() const
    {
        return { { "samples_in", samples_in },
                 { "samples_recorded", samples_recorded },
                 { "samples_dropped", samples_dropped },
                 { "samples_unwritten", samples_unwritten },
                 { "samples_unaligned", samples_unaligned },
                 { "recordings", recordings },
                 { "failures", failures },
                 { "refused", refused } };
    }
};

} // namespace wfm
} // namespace gr

#endif
