// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/stream_tags.h"
#include "common/keys.h"
#include <utility>

namespace gr::wfm {

void stream_tags::clear()
{
    d_passing.clear();
    d_results.clear();
}

void stream_tags::add(const placed_tags& result, int64_t shift)
{
    d_results.insert({ static_cast<int64_t>(result.start) - shift, result.tags });
}

void stream_tags::shift(int64_t samples)
{
    std::multimap<uint64_t, channel_tag> passing;
    for (auto& [offset, waiting] : d_passing) {
        waiting.tag.offset -= samples;
        passing.insert({ waiting.tag.offset, waiting });
    }
    d_passing.swap(passing);
    std::multimap<int64_t, tag_list> results;
    for (auto& [start, tags] : d_results)
        results.insert({ start - samples, std::move(tags) });
    d_results.swap(results);
}

size_t stream_tags::write(uint64_t first, uint64_t end, tag_writer& writer)
{
    if (first == end)
        return 0;
    while (!d_passing.empty() && d_passing.begin()->first < end) {
        const channel_tag& passing = d_passing.begin()->second;
        writer.pass(passing.channel, passing.tag);
        d_passing.erase(d_passing.begin());
    }
    size_t late_results = 0;
    while (!d_results.empty() && d_results.begin()->first < static_cast<int64_t>(end)) {
        const auto result = d_results.begin();
        const bool late = result->first < static_cast<int64_t>(first);
        for (const auto& [key, value] : result->second)
            writer.write(late ? first : result->first,
                         key,
                         pmt::is_dict(value)
                             ? pmt::dict_add(value, keys::late, pmt::from_bool(late))
                             : value);
        late_results += late;
        d_results.erase(result);
    }
    return late_results;
}

} // namespace gr::wfm
