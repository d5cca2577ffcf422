// SPDX-License-Identifier: GPL-3.0-or-later
#include "band/views.h"
#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>

namespace gr::wfm::finding {

namespace {

constexpr double spread_of_floors = 1.12;
constexpr double chance_of_low = 0.015;

} // namespace

double view::freedom() const
{
    // Hann windows at half a row's hop: power correlates by 4/9 and 1/36 between bins one
    // and two apart, and by 1/36 between rows.
    const double all = group * bins;
    const double along =
        all + (all > 1 ? 2 * (all - 1) * 4 / 9 : 0) + (all > 2 ? 2 * (all - 2) / 36 : 0);
    const double down = rows + 2 * (rows - 1) / 36.0;
    return (rows * all) * (rows * all) / (along * down);
}

limits thresholds(const view& by, double cells_per_second, double false_alarms)
{
    const double freedom = by.freedom();
    const double chance = std::min(false_alarms / cells_per_second, 0.01);
    const auto limit = [freedom](double tail) {
        return static_cast<float>(boost::math::gamma_q_inv(freedom, tail) / freedom *
                                  spread_of_floors);
    };
    return { limit(chance), limit(chance_of_low) };
}

} // namespace gr::wfm::finding
