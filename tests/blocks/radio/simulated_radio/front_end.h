// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef WFMSIM_FRONT_END_H
#define WFMSIM_FRONT_END_H

#include "options.h"
#include <SoapySDR/Device.hpp>
#include <map>
#include <string>
#include <vector>

namespace wfmsim {

// Antennas, gains, bandwidth and settings: what is kept for each channel, and read back.
class front_end : public SoapySDR::Device
{
public:
    explicit front_end(const SoapySDR::Kwargs& args);

    std::string getDriverKey() const override { return "wfmsim"; }
    std::string getHardwareKey() const override { return "wfmsim"; }
    size_t getNumChannels(int direction) const override;

    std::vector<std::string> listAntennas(int direction, size_t channel) const override;
    void setAntenna(int direction, size_t channel, const std::string& name) override;
    std::string getAntenna(int direction, size_t channel) const override;

    bool hasGainMode(int direction, size_t channel) const override;
    void setGainMode(int direction, size_t channel, bool automatic) override;
    bool getGainMode(int direction, size_t channel) const override;

    std::vector<std::string> listGains(int direction, size_t channel) const override;
    void setGain(int direction, size_t channel, double value) override;
    void
    setGain(int direction, size_t channel, const std::string& name, double value) override;
    double getGain(int direction, size_t channel) const override;
    double getGain(int direction, size_t channel, const std::string& name) const override;
    SoapySDR::Range getGainRange(int direction, size_t channel) const override;
    SoapySDR::Range
    getGainRange(int direction, size_t channel, const std::string& name) const override;

    void setBandwidth(int direction, size_t channel, double bandwidth) override;
    double getBandwidth(int direction, size_t channel) const override;
    std::vector<double> listBandwidths(int direction, size_t channel) const override;
    SoapySDR::RangeList getBandwidthRange(int direction, size_t channel) const override;

    SoapySDR::ArgInfoList getSettingInfo() const override;
    void writeSetting(const std::string& key, const std::string& value) override;
    std::string readSetting(const std::string& key) const override;
    SoapySDR::ArgInfoList getSettingInfo(int direction, size_t channel) const override;
    void writeSetting(int direction,
                      size_t channel,
                      const std::string& key,
                      const std::string& value) override;
    std::string
    readSetting(int direction, size_t channel, const std::string& key) const override;

protected:
    struct channel_state {
        double freq = 100e6;
        double offset_freq = 0;
        std::map<std::string, double> gains;
        std::string antenna = "RX";
        double bandwidth = 0;
        bool automatic_gain = false;
    };

    // std::runtime_error if the device was asked to refuse this setter.
    void check_refused(const char* setter) const;

    const options d_options;
    std::vector<channel_state> d_state;

private:
    std::map<std::string, std::string> d_settings;
};

} // namespace wfmsim

#endif
