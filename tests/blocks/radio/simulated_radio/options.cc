// SPDX-License-Identifier: GPL-3.0-or-later
#include "options.h"
#include <stdexcept>

namespace wfmsim {

namespace {

std::string text(const SoapySDR::Kwargs& args, const char* key, const char* otherwise)
{
    const auto found = args.find(key);
    return found == args.end() ? otherwise : found->second;
}

double number(const SoapySDR::Kwargs& args, const char* key, const char* otherwise)
{
    return std::stod(text(args, key, otherwise));
}

} // namespace

options::options(const SoapySDR::Kwargs& args)
    : channels(std::stoul(text(args, "chans", "2"))),
      hardware_time(text(args, "hwtime", "1") != "0"),
      pulse_per_second(text(args, "pps", "1") != "0"),
      mtu(std::stoul(text(args, "mtu", "4096"))),
      fifo_seconds(number(args, "fifo", "0.5")),
      overflow_every(number(args, "every", "0")),
      overflow_samples(std::stoull(text(args, "lose", "1000"))),
      tells_overflows(text(args, "deaf", "0") == "0"),
      silent_after(number(args, "dead", "0")),
      hangs_after(number(args, "hang", "0")),
      fails_after(number(args, "error", args.count("die") ? "1" : "0")),
      failure(text(args, "die", "error")),
      open_seconds(number(args, "slow_open", "0")),
      lowest_rate(number(args, "minrate", "0.1e6")),
      highest_rate(number(args, "maxrate", "61.44e6")),
      rate_factor(number(args, "offset_rate", "1")),
      highest_gain(number(args, "clip_gain", "50")),
      refused(text(args, "refuse", "")),
      recording(text(args, "file", "")),
      recording_format(text(args, "format", "ci16"))
{
    if (channels < 1 || mtu < 1)
        throw std::runtime_error("wfmsim: chans and mtu are at least 1");
    if (failure != "error" && failure != "throw" && failure != "eof")
        throw std::runtime_error("wfmsim: die is error, throw or eof, not " + failure);
}

} // namespace wfmsim
