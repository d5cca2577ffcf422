// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

namespace gr::wfm {

/*!
 * \brief Checks the parameters of one block.
 *
 * \throws std::invalid_argument "BLOCK: PARAMETER is SEEN, expected: EXPECTED"
 */
class parameter_check
{
public:
    constexpr explicit parameter_check(const char* block) : d_block(block) {}

    template <typename T>
    void operator()(bool good,
                    const char* parameter,
                    const T& seen,
                    const std::string& expected) const
    {
        if (good)
            return;
        std::ostringstream sentence;
        sentence << d_block << ": " << parameter << " is " << seen
                 << ", expected: " << expected;
        throw std::invalid_argument(sentence.str());
    }

    void range(const char* parameter, long seen, long least, long most) const
    {
        (*this)(seen >= least && seen <= most,
                parameter,
                seen,
                std::to_string(least) + " to " + std::to_string(most));
    }

    //! The streams of a block.
    void channels(int seen) const { range("channels", seen, 1, 64); }

    void sample_rate(double seen) const
    {
        (*this)(seen > 0 && std::isfinite(seen), "sample_rate", seen, "more than 0 Hz");
    }

private:
    const char* const d_block;
};

} // namespace gr::wfm
