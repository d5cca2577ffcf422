// SPDX-License-Identifier: GPL-3.0-or-later
#include "link/link_parameters.h"
#include <limits>
#include <stdexcept>

namespace gr {
namespace wfm {

void check_range(const std::string& name, int value, int least, int most)
{
    if (value < least || value > most)
        throw std::invalid_argument(name + " " + std::to_string(value) + ": " +
                                    std::to_string(least) + " to " +
                                    std::to_string(most) + " are expected");
}

void check_link(int channels, int high_water_mark)
{
    check_range("channels", channels, 1, 64);
    // to ZeroMQ 0 means without a limit
    check_range("high-water mark", high_water_mark, 1, std::numeric_limits<int>::max());
}

vrt_format format_named(const std::string& name)
{
    if (name == "cf32")
        return vrt_format::cf32;
    if (name == "ci16")
        return vrt_format::ci16;
    throw std::invalid_argument("sample format \"" + name + "\": cf32 or ci16 is expected");
}

} // namespace wfm
} // namespace gr
