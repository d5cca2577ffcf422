// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace gr::wfm {

//! The counts of a block, by their names: written by its threads, read by any.
class counter_set
{
public:
    //! One of them: `counter samples_in{ *this, "samples_in" };`
    struct counter : std::atomic<uint64_t> {
        counter(counter_set& all, const char* name) : std::atomic<uint64_t>(0)
        {
            all.d_counters.push_back({ name, this });
        }
        using std::atomic<uint64_t>::operator=;
    };

    counter_set() = default;
    counter_set(const counter_set&) = delete;
    counter_set& operator=(const counter_set&) = delete;

    std::map<std::string, uint64_t> values() const
    {
        std::map<std::string, uint64_t> values;
        for (const auto& [name, counter] : d_counters)
            values[name] = *counter;
        return values;
    }

    void reset()
    {
        for (const auto& [name, counter] : d_counters)
            *counter = 0;
    }

private:
    std::vector<std::pair<const char*, counter*>> d_counters;
};

} // namespace gr::wfm
