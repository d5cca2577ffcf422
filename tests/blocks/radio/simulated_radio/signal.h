// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef WFMSIM_SIGNAL_H
#define WFMSIM_SIGNAL_H

#include "options.h"
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace wfmsim {

// What is on the air. By default a ramp, the same on all channels, whose every sample tells
// its tick: I has the low 15 bits, Q the next 15, at a full scale of 32768. A recording, if
// one is named, is repeated; channels other than the first get it turned by 90 degrees.
class signal
{
public:
    // std::runtime_error for a recording that cannot be read.
    explicit signal(const options& opts);

    // Ticks first to first + count, as SOAPY_SDR_CS16 or, if not raw, as SOAPY_SDR_CF32.
    void
    write(uint64_t first, size_t count, size_t channel, bool raw, void* destination) const;

private:
    void sample(uint64_t tick, size_t channel, int16_t* iq) const;

    std::vector<int16_t> d_recording; // I, Q, ...
};

} // namespace wfmsim

#endif
