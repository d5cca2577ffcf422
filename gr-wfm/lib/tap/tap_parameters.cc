// SPDX-License-Identifier: GPL-3.0-or-later
#include "tap/tap_parameters.h"
#include <cmath>
#include <sstream>
#include <stdexcept>

namespace gr {
namespace wfm {

namespace {

constexpr int most_channels = 64;
constexpr int most_hold = 16 * 1024 * 1024;
constexpr double most_slot_bytes = 16e9;

template <typename T>
[[noreturn]] void refuse(const char* name, const T& seen, const std::string& wanted)
{
    std::ostringstream sentence;
    sentence << "window_tap: " << name << " is " << seen << ", expected: " << wanted;
    throw std::invalid_argument(sentence.str());
}

void check_memory(const tap_parameters& p)
{
    const double bytes = 8.0 * p.slots * p.channels * p.window;
    if (bytes > most_slot_bytes)
        refuse("slots", p.slots, "slots * channels * window * 8 bytes of 16 GB at most");
}

} // namespace

int check_hop(int hop, int window, int slots)
{
    if (hop < 0)
        refuse("hop", hop, "0 (the window) or more samples");
    if (hop == 0)
        return window;
    // Windows in progress at once; one slot more lets one wait meanwhile.
    const int open = (static_cast<long>(window) + hop - 1) / hop;
    if (open >= slots)
        refuse("hop",
               hop,
               "a greater one, or more slots than " + std::to_string(slots) +
                   ": windows of " + std::to_string(window) + " samples overlap " +
                   std::to_string(open) + "-fold");
    return hop;
}

double check_gate(double gate_dbfs)
{
    if (std::isnan(gate_dbfs))
        refuse("gate_dbfs", gate_dbfs, "a number in dBFS, or -inf for none");
    return gate_dbfs;
}

tap_parameters check_tap_parameters(tap_parameters p, const std::string& policy)
{
    if (p.channels < 1 || p.channels > most_channels)
        refuse("channels", p.channels, "1 to 64");
    if (p.window < 1)
        refuse("window", p.window, "1 sample or more");
    if (p.hold < 0 || p.hold > most_hold)
        refuse("hold", p.hold, "0 to 16777216 samples");
    if (policy != "live" && policy != "lossless")
        refuse("policy", '"' + policy + '"', "\"live\" or \"lossless\"");
    if (p.slots < 2)
        refuse("slots", p.slots, "2 or more");
    if (!(p.sample_rate > 0) || !std::isfinite(p.sample_rate))
        refuse("sample_rate", p.sample_rate, "more than 0 Hz");
    if (p.settle < 0)
        refuse("settle", p.settle, "0 or more samples");
    check_memory(p);
    p.lossless = policy == "lossless";
    p.hop = check_hop(p.hop, p.window, p.slots);
    p.gate_dbfs = check_gate(p.gate_dbfs);
    return p;
}

} // namespace wfm
} // namespace gr
