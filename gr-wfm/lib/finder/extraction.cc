// SPDX-License-Identifier: GPL-3.0-or-later
#include "finder/extraction.h"
#include <algorithm>
#include <cmath>
#include <gnuradio/fft/window.h>

namespace gr::wfm {

namespace {

// As wfm_core.signal.extract has them.
constexpr double rate_over_bandwidth = 2.0;
constexpr double most_seconds = 2.0;
constexpr int most_denominator = 128;
constexpr double flat = 1.5, stop = 1.9; // of the bandwidth
constexpr double kaiser_beta = 5.653;    // 60 dB
constexpr double transition_taps = (60 - 7.95) / (2.285 * 2 * M_PI);
constexpr double coarse_bandwidths = 5.0;
constexpr size_t coarse_taps = 4;

// The rotator adds up its phase in single precision: after so many samples it is set.
constexpr size_t rotated_at_once = 4096;

void nearest_ratio(double value, size_t& up, size_t& down)
{
    double best = INFINITY;
    for (int q = 1; q <= most_denominator; q++) {
        const double p = std::max(std::floor(value * q + 0.5), 1.0);
        const double error = std::abs(p / q - value);
        if (error < best) {
            best = error;
            up = static_cast<size_t>(p);
            down = q;
        }
    }
}

// cutoff in cycles a sample, where half of the amplitude is left; times gain.
std::vector<float> lowpass(double cutoff, size_t half, double gain)
{
    const std::vector<float> window = fft::window::kaiser(2 * half + 1, kaiser_beta);
    std::vector<double> taps(2 * half + 1);
    double sum = 0;
    for (size_t i = 0; i < taps.size(); i++) {
        const double t = static_cast<double>(i) - static_cast<double>(half);
        const double sinc =
            t == 0 ? 2 * cutoff : std::sin(2 * M_PI * cutoff * t) / (M_PI * t);
        taps[i] = sinc * window[i];
        sum += taps[i];
    }
    std::vector<float> scaled(taps.size());
    for (size_t i = 0; i < taps.size(); i++)
        scaled[i] = static_cast<float>(taps[i] * gain / sum);
    return scaled;
}

} // namespace

extraction::extraction(double sample_rate, double lower, double upper, uint64_t count)
{
    d_bandwidth = std::max(upper - lower, sample_rate * 1e-6);
    d_step = std::max<size_t>(
        static_cast<size_t>(sample_rate / (coarse_bandwidths * d_bandwidth)), 1);
    d_coarse_rate = sample_rate / d_step;
    nearest_ratio(rate_over_bandwidth * d_bandwidth / d_coarse_rate, d_up, d_down);
    d_rate = d_coarse_rate * d_up / d_down;
    const double seconds = std::min(most_seconds, most / d_rate);
    d_needed = std::min(count, static_cast<uint64_t>(seconds * sample_rate) + 1);

    // What the band does not hold, beside its edges, is not folded in from the other one.
    const double middle = 0.5 * (lower + upper);
    const double reach = 0.25 * (flat + stop) * d_bandwidth;
    const double lowest = std::max(middle - reach, -0.5 * sample_rate);
    const double highest = std::min(middle + reach, 0.5 * sample_rate);
    const double kept = 0.5 * (lowest + highest);
    d_cutoff = 0.5 * (highest - lowest);
    d_shift = -kept / sample_rate;
    d_reshift = (kept - middle) / d_rate;
    if (d_step > 1) {
        d_half = coarse_taps * d_step;
        d_decimator = std::make_unique<filter::kernel::fir_filter_ccf>(
            lowpass(0.5 / d_step, d_half, 1.0));
        d_fine.assign(d_half, gr_complex(0));
    }
}

void extraction::rotate(gr_complex* samples, size_t n, double turns)
{
    d_rotator.set_phase_incr(std::polar(1.0f, static_cast<float>(2 * M_PI * turns)));
    for (size_t done = 0; done < n; done += rotated_at_once) {
        const double at = turns * static_cast<double>(d_taken + done);
        d_rotator.set_phase(
            std::polar(1.0f, static_cast<float>(2 * M_PI * (at - std::round(at)))));
        d_rotator.rotateN(
            samples + done, samples + done, std::min(rotated_at_once, n - done));
    }
}

void extraction::put(const gr_complex* samples, size_t n)
{
    volk::vector<gr_complex>& to = d_step > 1 ? d_fine : d_coarse;
    const size_t first = to.size();
    to.insert(to.end(), samples, samples + n);
    float* parts = reinterpret_cast<float*>(to.data() + first);
    for (size_t i = 0; i < 2 * n; i++)
        parts[i] = std::isfinite(parts[i]) ? parts[i] : 0.0f;
    rotate(to.data() + first, n, d_shift);
    d_taken += n;
    if (d_step > 1)
        decimate(false);
}

void extraction::decimate(bool last)
{
    if (last)
        d_fine.insert(d_fine.end(), d_half, gr_complex(0));
    // d_fine begins half a filter before the sample d_decimated * d_step.
    const size_t taps = 2 * d_half + 1;
    const uint64_t wanted = (d_taken + d_step - 1) / d_step;
    const size_t ready = d_fine.size() < taps
                             ? 0
                             : std::min<uint64_t>((d_fine.size() - taps) / d_step + 1,
                                                  wanted - d_decimated);
    if (ready == 0)
        return;
    const size_t before = d_coarse.size();
    d_coarse.resize(before + ready);
    d_decimator->filterNdec(d_coarse.data() + before, d_fine.data(), ready, d_step);
    d_decimated += ready;
    d_fine.erase(d_fine.begin(),
                 d_fine.begin() + std::min(ready * d_step, d_fine.size()));
}

std::vector<gr_complex> extraction::finish()
{
    if (d_step > 1)
        decimate(true);
    const double transition = 0.5 * (stop - flat) * d_bandwidth / d_coarse_rate;
    const auto half =
        static_cast<size_t>(std::ceil(0.5 * transition_taps / transition * d_up));
    const std::vector<float> taps =
        lowpass(d_cutoff / (d_coarse_rate * d_up), half, d_up);
    const size_t length = (taps.size() + d_up - 1) / d_up;
    std::vector<filter::kernel::fir_filter_ccf> arms;
    for (size_t phase = 0; phase < d_up; phase++) {
        std::vector<float> arm(length, 0.0f);
        for (size_t j = 0; phase + j * d_up < taps.size(); j++)
            arm[j] = taps[phase + j * d_up];
        arms.emplace_back(arm);
    }
    const size_t wanted = (d_coarse.size() * d_up + d_down - 1) / d_down;
    std::vector<gr_complex> signal(std::min(wanted, most));
    d_coarse.insert(d_coarse.begin(), length - 1, gr_complex(0));
    d_coarse.insert(d_coarse.end(), half / d_up + 1, gr_complex(0));
    for (size_t k = 0; k < signal.size(); k++) {
        const size_t at = k * d_down + half;
        signal[k] = arms[at % d_up].filter(d_coarse.data() + at / d_up);
    }
    if (d_reshift != 0) {
        d_taken = 0;
        rotate(signal.data(), signal.size(), d_reshift);
    }
    return signal;
}

} // namespace gr::wfm
