// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "finding/fragment.h"
#include <optional>

namespace gr::wfm::finding {

//! A wide signal in a floor.
struct wide_signal {
    size_t first, last; //!< bins
    values outside;     //!< the floor without it
    bool steep;         //!< it has edges that no receiver's filter has
};

/*!
 * \brief Signals so wide, and on for so long, that a local floor takes them for noise.
 *
 * Over the frames of a stream: where the floor has risen, or stands high over the
 * quietest part of the band.
 */
class wide_band
{
public:
    wide_band(double rate, size_t frame);
    std::optional<wide_signal> look(const values& floor);
    //! What was before means nothing any more.
    void forget() { d_before.clear(); }

private:
    std::optional<wide_signal> risen(const values& floor);

    const size_t d_patience; //!< frames after which a risen floor is the floor
    size_t d_age = 0;
    values d_before;
};

//! Adds the wide signal to a frame's parts, in place of what is only its own
//! unsteadiness, unless one of them is it.
void add_wide(std::vector<fragment>& parts,
              const wide_signal& found,
              const layer& by,
              const layer_list& layers,
              size_t finest,
              size_t count);

//! Adds the signal that fills the band to a frame's parts, of which those remain that are
//! too strong to be its unevenness. No noise is seen: its power is said to be 10 times
//! that of the noise.
void add_whole(std::vector<fragment>& parts,
               const layer& by,
               size_t finest,
               size_t count);

} // namespace gr::wfm::finding
