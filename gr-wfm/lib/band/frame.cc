// SPDX-License-Identifier: GPL-3.0-or-later
#include "band/frame.h"
#include "band/simd.h"
#include <algorithm>
#include <cmath>
#include <volk/volk.h>

namespace gr::wfm::finding {

namespace {

// Of a sample: the power of a row of more would be too great for a float.
constexpr float most_power = 1e27f;
constexpr double deepest = 1e-6; // of a frame's mean power: no floor is lower

std::array<layer_rows, 3> rows_for(size_t fft_size)
{
    const auto by = shapes(fft_size);
    return { layer_rows(by[0]), layer_rows(by[1]), layer_rows(by[2]) };
}

WFM_VECTORISED bool all_good(const gr_complex* samples, size_t n)
{
    const float* parts = reinterpret_cast<const float*>(samples);
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        const float power =
            parts[2 * i] * parts[2 * i] + parts[2 * i + 1] * parts[2 * i + 1];
        bad += !(power <= most_power);
    }
    return bad == 0;
}

// Summed in short stretches, so that nothing is lost to rounding.
constexpr size_t at_once = 1024;

gr_complex mean_of(const gr_complex* samples, size_t n)
{
    gr_complexd sum = 0;
    for (size_t done = 0; done < n; done += at_once) {
        gr_complex part;
        volk_32fc_accumulator_s32fc(&part, samples + done, std::min(at_once, n - done));
        sum += gr_complexd(part);
    }
    return gr_complex(sum / static_cast<double>(n));
}

double mean_power(const gr_complex* samples, size_t n)
{
    double sum = 0;
    for (size_t done = 0; done < n; done += at_once) {
        const float* parts = reinterpret_cast<const float*>(samples + done);
        float part;
        volk_32f_x2_dot_prod_32f(&part, parts, parts, 2 * std::min(at_once, n - done));
        sum += part;
    }
    return sum / n;
}

WFM_VECTORISED void take_off(gr_complex* samples, size_t n, gr_complex mean)
{
    float* parts = reinterpret_cast<float*>(samples);
    const float real = mean.real(), imag = mean.imag();
    for (size_t i = 0; i < n; i++) {
        parts[2 * i] -= real;
        parts[2 * i + 1] -= imag;
    }
}

} // namespace

frame::frame(double sample_rate, const settings& settings)
    : d_rate(sample_rate),
      d_length(frame_rows * settings.size_for(sample_rate)),
      d_reach(shapes(settings.size_for(sample_rate))[2].reach()),
      d_rows(rows_for(settings.size_for(sample_rate)))
{
    for (size_t place = 0; place < view_count; place++) {
        const layer_shape& shape = d_rows[views[place].layer].shape();
        const double cells =
            sample_rate / shape.hop * shape.fft_size / views[place].group;
        d_views.emplace_back(
            place, thresholds(views[place], cells, settings.false_alarms / view_count));
    }
}

std::pair<double, double> frame::cell(size_t place) const
{
    const layer_shape& shape = d_rows[views[place].layer].shape();
    return { shape.hop, d_rate / shape.fft_size * views[place].group };
}

std::vector<const layer*> frame::usable() const
{
    std::vector<const layer*> some;
    for (const layer& one : d_layers)
        if (one.rows > 0)
            some.push_back(&one);
    return some;
}

void frame::clean(gr_complex* samples, size_t there, size_t begin, size_t count)
{
    d_broken.clear();
    if (!all_good(samples, there)) {
        d_broken.assign(1, 0);
        for (size_t i = 0; i < there; i++) {
            const bool good = std::norm(samples[i]) <= most_power;
            if (!good)
                samples[i] = 0;
            d_broken.push_back(d_broken.back() + !good);
        }
    }
    if (count >= d_rows[2].shape().fft_size)
        take_off(samples, there, mean_of(samples + begin, count));
}

void frame::look(gr_complex* samples, size_t there, size_t begin, size_t count)
{
    clean(samples, there, begin, count);
    d_power = mean_power(samples + begin, count);
    for (layer_rows& rows : d_rows)
        rows.transform(samples, there, begin, count, d_broken);
    d_candidates.clear();
    if (!measure())
        return;
    for (size_t place = 0; place < view_count; place++)
        d_views[place].find(d_layers[views[place].layer], d_candidates);
}

// The floors, and the power over them. False: the frame has no power.
bool frame::measure()
{
    std::array<values, 3> floors;
    for (size_t i = 0; i < 3; i++) {
        d_layers[i] = {};
        d_layers[i].shape = d_rows[i].shape();
        d_layers[i].rate = d_rate;
        const values level = quiet_level(d_rows[i]);
        if (!level.empty())
            floors[i] =
                local_floor(level, d_rows[i].good_rows(), d_rows[i].shape().fft_size / 4);
    }
    std::vector<values> usable;
    for (const size_t i : { 1, 0, 2 })
        if (!floors[i].empty())
            usable.push_back(floors[i]);
    if (usable.empty())
        return false;
    usable[0] = spread(usable[0], d_rows[1].shape().fft_size);
    values common = common_floor(usable);
    for (float& bin : common) // digital silence is no floor
        bin = std::max(bin, static_cast<float>(deepest * d_power));
    for (size_t i = 0; i < 3; i++) {
        layer& now = d_layers[i];
        const size_t size = now.shape.fft_size;
        now.floor = leaked(spread(common, size));
        if (floors[i].empty())
            continue;
        now.rows = d_rows[i].rows();
        now.ratio = d_rows[i].row(0);
        for (size_t r = 0; r < now.rows; r++) {
            float* row = d_rows[i].row(r);
            if (d_rows[i].good(r))
                volk_32f_x2_divide_32f(row, row, now.floor.data(), size);
            else
                std::fill_n(row, size, 1.0f);
        }
    }
    return true;
}

} // namespace gr::wfm::finding
