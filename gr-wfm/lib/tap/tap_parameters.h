// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace gr::wfm {

//! Parameters of a window_tap.
struct tap_parameters {
    int channels;
    int window;
    int hop;
    int hold;
    bool lossless;
    int slots;
    double sample_rate;
    int settle;
    double gate_dbfs;
};

/*!
 * \brief Check all, and put `window` for a hop of 0.
 * \throws std::invalid_argument that names the value seen and those expected
 */
tap_parameters check_tap_parameters(tap_parameters parameters, const std::string& policy);

//! The hop to use, checked against the window and the slots.
int check_hop(int hop, int window, int slots);
double check_gate(double gate_dbfs);

} // namespace gr::wfm
