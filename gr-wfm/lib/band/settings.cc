// SPDX-License-Identifier: GPL-3.0-or-later
#include "band/settings.h"
#include "common/parameter_check.h"
#include <algorithm>
#include <cmath>

namespace gr::wfm::finding {

namespace {

constexpr int least_fft = 16, most_fft = 8192;

} // namespace

void settings::check() const
{
    constexpr parameter_check check("signal_finder");
    check(fft_size == 0 || (fft_size >= least_fft && fft_size <= most_fft &&
                            (fft_size & (fft_size - 1)) == 0),
          "fft_size",
          fft_size,
          "0, or a power of two from 16 to 8192");
    check(false_alarms > 0 && false_alarms <= 1e6,
          "false_alarms",
          false_alarms,
          "boxes a second, above 0 and up to 1e6");
    check(max_duration >= 1e-3 && max_duration <= 60,
          "max_duration",
          max_duration,
          "seconds from 0.001 to 60");
    check(min_snr >= -20 && min_snr <= 60, "min_snr", min_snr, "dB from -20 to 60");
}

size_t settings::size_for(double sample_rate) const
{
    if (fft_size > 0)
        return fft_size;
    const double power = std::nearbyint(std::log2(0.7 * std::sqrt(sample_rate)));
    return std::clamp<size_t>(
        size_t(1) << static_cast<int>(std::max(power, 0.0)), 32, most_fft);
}

bool settings::can_be(double sample_rate)
{
    return sample_rate >= 100 && sample_rate <= 1e10;
}

} // namespace gr::wfm::finding
