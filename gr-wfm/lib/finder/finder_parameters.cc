// SPDX-License-Identifier: GPL-3.0-or-later
#include "finder/finder_parameters.h"
#include "common/parameter_check.h"
#include <iomanip>

namespace gr::wfm {

void finder_parameters::check(const std::string& policy)
{
    constexpr parameter_check check("signal_finder");
    check(finding::settings::can_be(sample_rate),
          "sample_rate",
          sample_rate,
          "100 to 1e10 Hz");
    settings.check();
    check.range("hold", hold, 0, 16 * 1024 * 1024);
    lossless = policy == "lossless";
    check(lossless || policy == "live",
          "policy",
          std::quoted(policy),
          "\"live\" or \"lossless\"");
    check.range("slots", slots, 1, 65536);
}

} // namespace gr::wfm
