// SPDX-License-Identifier: GPL-3.0-or-later
#include "tap/tap_parameters.h"
#include "common/parameter_check.h"
#include <cmath>
#include <iomanip>

namespace gr::wfm {

namespace {

constexpr parameter_check check("window_tap");
constexpr double most_slot_bytes = 16e9;

} // namespace

int check_hop(int hop, int window, int slots)
{
    check(hop >= 0, "hop", hop, "0 (the window) or more samples");
    if (hop == 0)
        return window;
    // Windows in progress at once; one slot more lets one wait meanwhile.
    const int open = (static_cast<long>(window) + hop - 1) / hop;
    check(open < slots,
          "hop",
          hop,
          "a greater one, or more slots than " + std::to_string(slots) + ": windows of " +
              std::to_string(window) + " samples overlap " + std::to_string(open) +
              "-fold");
    return hop;
}

double check_gate(double gate_dbfs)
{
    check(!std::isnan(gate_dbfs),
          "gate_dbfs",
          gate_dbfs,
          "a number in dBFS, or -inf for none");
    return gate_dbfs;
}

tap_parameters check_tap_parameters(tap_parameters p, const std::string& policy)
{
    check.channels(p.channels);
    check(p.window >= 1, "window", p.window, "1 sample or more");
    check.range("hold", p.hold, 0, 16 * 1024 * 1024);
    p.lossless = policy == "lossless";
    check(p.lossless || policy == "live",
          "policy",
          std::quoted(policy),
          "\"live\" or \"lossless\"");
    check(p.slots >= 2, "slots", p.slots, "2 or more");
    check.sample_rate(p.sample_rate);
    check(p.settle >= 0, "settle", p.settle, "0 or more samples");
    check(8.0 * p.slots * p.channels * p.window <= most_slot_bytes,
          "slots",
          p.slots,
          "slots * channels * window * 8 bytes of 16 GB at most");
    p.hop = check_hop(p.hop, p.window, p.slots);
    p.gate_dbfs = check_gate(p.gate_dbfs);
    return p;
}

} // namespace gr::wfm
