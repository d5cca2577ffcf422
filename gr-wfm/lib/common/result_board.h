// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/stream_tags.h"
#include <cstdint>
#include <limits>
#include <mutex>
#include <set>
#include <vector>

namespace gr::wfm {

/*!
 * \brief Which windows, or signals, have no result yet, and the results that came in.
 *
 * Whoever finds one announces it; the stream thread collects results; the inference
 * thread resolves.
 */
class result_board
{
public:
    static constexpr uint64_t none = std::numeric_limits<uint64_t>::max();

    //! A window is about to be queued; several may have the same start.
    void expect(uint64_t start)
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        if (!d_abandoned)
            d_outstanding.insert(start);
    }

    //! These windows need not be waited for; tags may be empty, or one list each.
    void resolve(const std::vector<uint64_t>& starts, const std::vector<tag_list>& tags)
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        for (size_t i = 0; i < starts.size(); i++) {
            erase_one(starts[i]);
            if (i < tags.size() && !tags[i].empty())
                d_results.push_back({ starts[i], tags[i] });
        }
    }

    void forget(uint64_t start)
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        erase_one(start);
    }

    //! Forget all, now and from now on.
    void abandon()
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_abandoned = true;
        d_outstanding.clear();
    }

    //! Start of the earliest window without a result, or none.
    uint64_t first_outstanding() const
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        return d_outstanding.empty() ? none : *d_outstanding.begin();
    }

    //! The results since the last call.
    std::vector<placed_tags> collect()
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        std::vector<placed_tags> results;
        results.swap(d_results);
        return results;
    }

private:
    void erase_one(uint64_t start)
    {
        const auto found = d_outstanding.find(start);
        if (found != d_outstanding.end())
            d_outstanding.erase(found);
    }

    mutable std::mutex d_mutex;
    std::multiset<uint64_t> d_outstanding;
    std::vector<placed_tags> d_results;
    bool d_abandoned = false;
};

} // namespace gr::wfm
