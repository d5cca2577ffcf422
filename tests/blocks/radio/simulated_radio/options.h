// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef WFMSIM_OPTIONS_H
#define WFMSIM_OPTIONS_H

#include <SoapySDR/Types.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

namespace wfmsim {

// What the device arguments ask for; README.md of this folder says what each key does.
struct options {
    explicit options(const SoapySDR::Kwargs& args);

    size_t channels;
    bool hardware_time;
    bool pulse_per_second;
    size_t mtu;          // samples
    double fifo_seconds; // what is buffered for a slow reader

    double overflow_every; // seconds of signal; 0: never
    uint64_t overflow_samples;
    bool tells_overflows;

    // Seconds after the start of the stream; 0: never.
    double silent_after;
    double hangs_after;
    double fails_after;
    std::string failure; // "error", "throw" or "eof"

    double open_seconds;
    double lowest_rate;
    double highest_rate;
    double rate_factor; // what is set for each Hz asked for
    double highest_gain;
    std::string refused; // the setter that throws

    std::string recording; // empty: the ramp
    std::string recording_format;
};

} // namespace wfmsim

#endif
