// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/result_board.h"

namespace gr::wfm {

void result_board::expect(uint64_t start)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (!d_abandoned)
        d_outstanding.insert(start);
}

void result_board::resolve(const std::vector<uint64_t>& starts,
                           const std::vector<tag_list>& tags)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    for (size_t i = 0; i < starts.size(); i++) {
        erase_one(starts[i]);
        if (i < tags.size() && !tags[i].empty())
            d_results.push_back({ starts[i], tags[i] });
    }
}

void result_board::forget(uint64_t start)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    erase_one(start);
}

void result_board::erase_one(uint64_t start)
{
    const auto found = d_outstanding.find(start);
    if (found != d_outstanding.end())
        d_outstanding.erase(found);
}

void result_board::abandon()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    d_abandoned = true;
    d_outstanding.clear();
}

uint64_t result_board::first_outstanding() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_outstanding.empty() ? none : *d_outstanding.begin();
}

std::vector<placed_tags> result_board::collect()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    std::vector<placed_tags> results;
    results.swap(d_results);
    return results;
}

} // namespace gr::wfm
