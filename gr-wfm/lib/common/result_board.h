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
    void expect(uint64_t start);
    //! These windows need not be waited for; tags may be empty, or one list each.
    void resolve(const std::vector<uint64_t>& starts, const std::vector<tag_list>& tags);
    void forget(uint64_t start);
    //! Forget all, now and from now on.
    void abandon();
    //! Start of the earliest window without a result, or none.
    uint64_t first_outstanding() const;
    //! The results since the last call.
    std::vector<placed_tags> collect();

private:
    void erase_one(uint64_t start);

    mutable std::mutex d_mutex;
    std::multiset<uint64_t> d_outstanding;
    std::vector<placed_tags> d_results;
    bool d_abandoned = false;
};

} // namespace gr::wfm
