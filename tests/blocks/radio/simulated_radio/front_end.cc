// SPDX-License-Identifier: GPL-3.0-or-later
#include "front_end.h"
#include "journal.h"
#include <algorithm>
#include <stdexcept>

namespace wfmsim {

namespace {

constexpr double highest_lna_gain = 30; // dB; the rest is VGA
const std::vector<std::string> antennas = { "RX", "RX2" };

SoapySDR::ArgInfo switch_setting(const char* key, const char* description)
{
    SoapySDR::ArgInfo info;
    info.key = key;
    info.name = key;
    info.value = "false";
    info.type = SoapySDR::ArgInfo::BOOL;
    info.description = description;
    return info;
}

} // namespace

front_end::front_end(const SoapySDR::Kwargs& args)
    : d_options(args),
      d_state(d_options.channels),
      d_settings{ { "biastee", "false" }, { "offset_tune", "false" } }
{
    for (auto& channel : d_state)
        channel.gains = { { "LNA", 0 }, { "VGA", 0 } };
}

void front_end::check_refused(const char* setter) const
{
    if (d_options.refused == setter)
        throw std::runtime_error(std::string("wfmsim: the device refuses its ") + setter);
}

size_t front_end::getNumChannels(int direction) const
{
    return direction == SOAPY_SDR_RX ? d_state.size() : 0;
}

std::vector<std::string> front_end::listAntennas(int, size_t) const { return antennas; }

void front_end::setAntenna(int, size_t channel, const std::string& name)
{
    check_refused("antenna");
    if (std::find(antennas.begin(), antennas.end(), name) == antennas.end())
        throw std::runtime_error("wfmsim: no antenna " + name);
    d_state.at(channel).antenna = name;
    notef("antenna %zu %s", channel, name.c_str());
}

std::string front_end::getAntenna(int, size_t channel) const
{
    return d_state.at(channel).antenna;
}

bool front_end::hasGainMode(int, size_t) const { return true; }

void front_end::setGainMode(int, size_t channel, bool automatic)
{
    d_state.at(channel).automatic_gain = automatic;
    notef("agc %zu %d", channel, automatic);
}

bool front_end::getGainMode(int, size_t channel) const
{
    return d_state.at(channel).automatic_gain;
}

std::vector<std::string> front_end::listGains(int, size_t) const
{
    return { "LNA", "VGA" };
}

void front_end::setGain(int direction, size_t channel, double value)
{
    const double lna = std::min(value, highest_lna_gain);
    setGain(direction, channel, "LNA", lna);
    setGain(direction, channel, "VGA", value - lna);
}

void front_end::setGain(int direction, size_t channel, const std::string& name, double value)
{
    check_refused("gain");
    const auto range = getGainRange(direction, channel, name);
    const double clipped = std::clamp(value, range.minimum(), range.maximum());
    d_state.at(channel).gains.at(name) = clipped;
    notef("gain %zu %s %g", channel, name.c_str(), clipped);
}

double front_end::getGain(int, size_t channel) const
{
    const auto& gains = d_state.at(channel).gains;
    return gains.at("LNA") + gains.at("VGA");
}

double front_end::getGain(int, size_t channel, const std::string& name) const
{
    return d_state.at(channel).gains.at(name);
}

SoapySDR::Range front_end::getGainRange(int, size_t) const
{
    return SoapySDR::Range(0, d_options.highest_gain);
}

SoapySDR::Range front_end::getGainRange(int, size_t, const std::string& name) const
{
    const double lna = std::min(highest_lna_gain, d_options.highest_gain);
    return SoapySDR::Range(0, name == "LNA" ? lna : d_options.highest_gain - lna);
}

void front_end::setBandwidth(int, size_t channel, double bandwidth)
{
    check_refused("bandwidth");
    // The filters there are; 0 is the device's own choice, its widest.
    const auto filters = listBandwidths(SOAPY_SDR_RX, channel);
    const auto fits = std::lower_bound(filters.begin(), filters.end(), bandwidth);
    const bool none = bandwidth <= 0 || fits == filters.end();
    d_state.at(channel).bandwidth = none ? filters.back() : *fits;
    notef("bandwidth %zu %g", channel, d_state[channel].bandwidth);
}

double front_end::getBandwidth(int, size_t channel) const
{
    return d_state.at(channel).bandwidth;
}

std::vector<double> front_end::listBandwidths(int, size_t) const
{
    return { 1e6, 2e6, 5e6, 10e6, 20e6, 50e6 };
}

SoapySDR::RangeList front_end::getBandwidthRange(int direction, size_t channel) const
{
    SoapySDR::RangeList ranges;
    for (const double filter : listBandwidths(direction, channel))
        ranges.emplace_back(filter, filter);
    return ranges;
}

SoapySDR::ArgInfoList front_end::getSettingInfo() const
{
    return { switch_setting("biastee", "power for a preamplifier, on the antenna's cable"),
             switch_setting("offset_tune", "tune beside the frequency") };
}

void front_end::writeSetting(const std::string& key, const std::string& value)
{
    const auto found = d_settings.find(key);
    if (found == d_settings.end())
        throw std::runtime_error("wfmsim: no setting " + key);
    found->second = value;
    notef("setting %s %s", key.c_str(), value.c_str());
}

std::string front_end::readSetting(const std::string& key) const
{
    return d_settings.at(key);
}

SoapySDR::ArgInfoList front_end::getSettingInfo(int, size_t) const
{
    return getSettingInfo();
}

void front_end::writeSetting(int,
                             size_t,
                             const std::string& key,
                             const std::string& value)
{
    writeSetting(key, value);
}

std::string front_end::readSetting(int, size_t, const std::string& key) const
{
    return readSetting(key);
}

} // namespace wfmsim
