// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef WFMSIM_SIMULATED_RADIO_H
#define WFMSIM_SIMULATED_RADIO_H

#include "device_clock.h"
#include "front_end.h"
#include "reception.h"
#include <atomic>

namespace wfmsim {

// The whole device: front end, clock and stream.
class simulated_radio : public front_end
{
public:
    explicit simulated_radio(const SoapySDR::Kwargs& args);
    ~simulated_radio() override;

    std::vector<std::string> listFrequencies(int direction, size_t channel) const override;
    void setFrequency(int direction,
                      size_t channel,
                      const std::string& name,
                      double freq,
                      const SoapySDR::Kwargs& args) override;
    double
    getFrequency(int direction, size_t channel, const std::string& name) const override;
    SoapySDR::RangeList getFrequencyRange(int direction,
                                          size_t channel,
                                          const std::string& name) const override;

    void setSampleRate(int direction, size_t channel, double rate) override;
    double getSampleRate(int direction, size_t channel) const override;
    std::vector<double> listSampleRates(int direction, size_t channel) const override;
    SoapySDR::RangeList getSampleRateRange(int direction, size_t channel) const override;

    std::vector<std::string> listClockSources() const override;
    void setClockSource(const std::string& source) override;
    std::string getClockSource() const override { return d_clock_source; }
    std::vector<std::string> listTimeSources() const override;
    void setTimeSource(const std::string& source) override;
    std::string getTimeSource() const override { return d_time_source; }
    std::vector<std::string> listSensors() const override;
    std::string readSensor(const std::string& key) const override;

    bool hasHardwareTime(const std::string& what) const override;
    long long getHardwareTime(const std::string& what) const override;
    void setHardwareTime(long long time, const std::string& what) override;
    void setCommandTime(long long time, const std::string& what) override;

    std::vector<std::string> getStreamFormats(int direction, size_t channel) const override;
    std::string
    getNativeStreamFormat(int direction, size_t channel, double& full_scale) const override;
    SoapySDR::Stream* setupStream(int direction,
                                  const std::string& format,
                                  const std::vector<size_t>& channels,
                                  const SoapySDR::Kwargs& args) override;
    void closeStream(SoapySDR::Stream* stream) override;
    size_t getStreamMTU(SoapySDR::Stream* stream) const override;
    int activateStream(SoapySDR::Stream* stream,
                       int flags,
                       long long time,
                       size_t count) override;
    int deactivateStream(SoapySDR::Stream* stream, int flags, long long time) override;
    int readStream(SoapySDR::Stream* stream,
                   void* const* buffers,
                   size_t count,
                   int& flags,
                   long long& time,
                   long timeout_us) override;

private:
    device_clock d_clock;
    reception d_reception;
    std::string d_clock_source = "internal";
    std::string d_time_source = "internal";
    std::atomic<long long> d_command_time{ 0 }; // 0: at once
};

} // namespace wfmsim

#endif
