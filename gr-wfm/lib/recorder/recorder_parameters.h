// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace gr::wfm {

//! As of recorder::make().
struct recorder_parameters {
    int channels;
    double sample_rate;
    std::string folder;
    std::string prefix;
    std::string label;
    bool recording;
    double pre_trigger;
    double rotate_mb;
    std::string datatype;
    double queue;

    //! Makes the folder. \throws std::invalid_argument, std::runtime_error
    void check() const;

    bool integers() const { return datatype == "ci16_le"; }
    size_t frame_bytes() const { return channels * (integers() ? 4 : 8); }
    size_t keep_samples() const;
    size_t ring_samples() const;
    //! Samples of a file before the next one is begun.
    uint64_t rotate_samples() const;
};

//! Is this text UTF-8, as JSON expects it?
bool is_utf8(const std::string& text);
//! \throws std::invalid_argument for a label that is not UTF-8 of 200 bytes at most
void check_label(const std::string& label);

} // namespace gr::wfm
