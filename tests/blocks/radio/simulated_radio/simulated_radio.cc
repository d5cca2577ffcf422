// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulated_radio.h"
#include "journal.h"
#include <SoapySDR/Formats.hpp>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <thread>

namespace wfmsim {

simulated_radio::simulated_radio(const SoapySDR::Kwargs& args)
    : front_end(args),
      d_clock(d_options.pulse_per_second),
      d_reception(d_options, d_clock)
{
    note("opening");
    std::this_thread::sleep_for(std::chrono::duration<double>(d_options.open_seconds));
    note("opened");
}

simulated_radio::~simulated_radio() { note("closed"); }

std::vector<std::string> simulated_radio::listFrequencies(int, size_t) const
{
    return { "RF" };
}

void simulated_radio::setFrequency(int,
                                   size_t channel,
                                   const std::string& name,
                                   double freq,
                                   const SoapySDR::Kwargs&)
{
    check_refused("freq");
    if (name != "RF") {
        // libuhd sets its second component, the tuner's rest, which is none here.
        d_state.at(channel).offset_freq = 0;
        return;
    }
    const long long asked = d_command_time;
    const auto now = steady::now();
    const bool late = asked && asked < d_clock.at(now);
    const auto moment = asked && !late ? d_clock.moment(asked) : now;
    d_state.at(channel).freq = freq;
    notef("freq %zu %.0f tick %llu%s",
          channel,
          freq,
          static_cast<unsigned long long>(d_reception.tick_at(moment)),
          !asked ? "" : late ? " late" : " timed");
}

double simulated_radio::getFrequency(int, size_t channel, const std::string& name) const
{
    const auto& state = d_state.at(channel);
    return name == "RF" ? state.freq : state.offset_freq;
}

SoapySDR::RangeList
simulated_radio::getFrequencyRange(int, size_t, const std::string& name) const
{
    if (name == "RF")
        return { SoapySDR::Range(24e6, 6e9) };
    return { SoapySDR::Range(0, 0) };
}

void simulated_radio::setSampleRate(int, size_t channel, double rate)
{
    check_refused("rate");
    if (rate < d_options.lowest_rate || rate > d_options.highest_rate)
        throw std::runtime_error("wfmsim: sample rate out of range");
    d_reception.set_rate(std::round(rate * d_options.rate_factor));
    notef("rate %zu %.0f", channel, d_reception.rate());
}

double simulated_radio::getSampleRate(int, size_t) const { return d_reception.rate(); }

std::vector<double> simulated_radio::listSampleRates(int, size_t) const
{
    return { d_options.lowest_rate, d_options.highest_rate };
}

SoapySDR::RangeList simulated_radio::getSampleRateRange(int, size_t) const
{
    return { SoapySDR::Range(d_options.lowest_rate, d_options.highest_rate) };
}

std::vector<std::string> simulated_radio::listClockSources() const
{
    return { "internal", "external" };
}

void simulated_radio::setClockSource(const std::string& source)
{
    d_clock_source = source;
    notef("clock source %s", source.c_str());
}

std::vector<std::string> simulated_radio::listTimeSources() const
{
    return { "internal", "external", "gpsdo" };
}

void simulated_radio::setTimeSource(const std::string& source)
{
    d_time_source = source;
    notef("time source %s", source.c_str());
}

std::vector<std::string> simulated_radio::listSensors() const
{
    return { "ref_locked", "gps_locked", "gps_time" };
}

std::string simulated_radio::readSensor(const std::string& key) const
{
    using namespace std::chrono;
    if (key == "gps_time")
        return std::to_string(
            duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch())
                .count());
    return "true";
}

bool simulated_radio::hasHardwareTime(const std::string&) const
{
    return d_options.hardware_time;
}

long long simulated_radio::getHardwareTime(const std::string& what) const
{
    return what == "PPS" ? d_clock.last_pulse() : d_clock.now();
}

void simulated_radio::setHardwareTime(long long time, const std::string& what)
{
    if (what == "CMD")
        return setCommandTime(time, "");
    if (what == "PPS")
        d_clock.set_at_next_pulse(time);
    else
        d_clock.set(time);
    notef("time %lld %s", time, what.c_str());
}

void simulated_radio::setCommandTime(long long time, const std::string&)
{
    d_command_time = time;
}

std::vector<std::string> simulated_radio::getStreamFormats(int, size_t) const
{
    return { SOAPY_SDR_CF32, SOAPY_SDR_CS16 };
}

std::string simulated_radio::getNativeStreamFormat(int, size_t, double& full_scale) const
{
    full_scale = 32768;
    return SOAPY_SDR_CS16;
}

SoapySDR::Stream* simulated_radio::setupStream(int direction,
                                               const std::string& format,
                                               const std::vector<size_t>& channels,
                                               const SoapySDR::Kwargs&)
{
    const bool raw = format == SOAPY_SDR_CS16;
    if (direction != SOAPY_SDR_RX || (!raw && format != SOAPY_SDR_CF32))
        throw std::runtime_error("wfmsim: only CF32 and CS16, and only to receive");
    d_reception.set_up(channels.empty() ? std::vector<size_t>{ 0 } : channels, raw);
    return reinterpret_cast<SoapySDR::Stream*>(this); // there is one, never looked into
}

void simulated_radio::closeStream(SoapySDR::Stream*) { note("stream closed"); }

size_t simulated_radio::getStreamMTU(SoapySDR::Stream*) const { return d_options.mtu; }

int simulated_radio::activateStream(SoapySDR::Stream*, int flags, long long time, size_t)
{
    d_reception.start(flags & SOAPY_SDR_HAS_TIME, time);
    return 0;
}

int simulated_radio::deactivateStream(SoapySDR::Stream*, int, long long)
{
    d_reception.stop();
    return 0;
}

int simulated_radio::readStream(SoapySDR::Stream*,
                                void* const* buffers,
                                size_t count,
                                int& flags,
                                long long& time,
                                long timeout_us)
{
    return d_reception.read(buffers, count, flags, time, timeout_us);
}

} // namespace wfmsim
