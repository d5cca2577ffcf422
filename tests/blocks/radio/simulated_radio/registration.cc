// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulated_radio.h"
#include <SoapySDR/Registry.hpp>

namespace {

// Only who asks for it by name finds it: it must not turn up beside real radios.
SoapySDR::KwargsList find(const SoapySDR::Kwargs& args)
{
    const auto driver = args.find("driver");
    if (driver == args.end() || driver->second != "wfmsim")
        return {};
    return { { { "driver", "wfmsim" }, { "label", "simulated radio" } } };
}

SoapySDR::Device* make(const SoapySDR::Kwargs& args)
{
    return new wfmsim::simulated_radio(args);
}

const SoapySDR::Registry registration("wfmsim", &find, &make, SOAPY_SDR_ABI_VERSION);

} // namespace
