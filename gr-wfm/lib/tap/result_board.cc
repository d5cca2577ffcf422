// SPDX-License-Identifier: GPL-3.0-or-later
#include "tap/result_board.h"
#include <algorithm>

namespace gr::wfm {

void result_board::expect(uint64_t start)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (!d_abandoned)
        d_outstanding.push_back(start);
}

void result_board::resolve(const std::vector<window_info>& windows,
                           const std::vector<tag_list>& tags)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    for (size_t i = 0; i < windows.size(); i++) {
        forget_locked(windows[i].start);
        if (i < tags.size() && !tags[i].empty())
            d_results.push_back({ windows[i].start, tags[i] });
    }
}

void result_board::forget(uint64_t start)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    forget_locked(start);
}

void result_board::forget_locked(uint64_t start)
{
    const auto it = std::lower_bound(d_outstanding.begin(), d_outstanding.end(), start);
    if (it != d_outstanding.end() && *it == start)
        d_outstanding.erase(it);
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
    return d_outstanding.empty() ? none : d_outstanding.front();
}

std::vector<window_result> result_board::collect()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    std::vector<window_result> results;
    results.swap(d_results);
    return results;
}

} // namespace gr::wfm
