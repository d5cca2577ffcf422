// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "link/channel_aligner.h"
#include <optional>

namespace gr::wfm {

/*!
 * \brief Says by the stamps of what comes in how many samples are missing in front of
 * it.
 */
class received_clock
{
public:
    struct news {
        bool rate_changed = false; //!< so it is with the first samples
        bool kind_changed = false; //!< a time became known, or unknown
        bool jumped = false;       //!< the stamp is not the one after the last sample
        uint64_t lost = 0;         //!< samples missing, exactly
        //! About how many are, or 0 for an unknown number; for tags wfm_gap
        std::optional<uint64_t> gap;
    };

    news take(const aligned_samples& interval);

private:
    std::optional<sample_clock> d_clock; //!< none: nothing came yet
    vrt_stamp d_next;                    //!< the stamp of the sample after the last one
};

} // namespace gr::wfm
