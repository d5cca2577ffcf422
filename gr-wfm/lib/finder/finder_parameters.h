// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "band/settings.h"
#include <string>

namespace gr::wfm {

//! Parameters of a signal_finder.
struct finder_parameters {
    double sample_rate;
    finding::settings settings;
    int hold;
    bool lossless;
    bool extract;
    int slots;

    //! Throws std::invalid_argument; policy is "live" or "lossless".
    void check(const std::string& policy);
};

} // namespace gr::wfm
