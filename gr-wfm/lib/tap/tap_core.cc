// SPDX-License-Identifier: GPL-3.0-or-later
#include "tap/tap_core.h"
#include <algorithm>
#include <stdexcept>

namespace gr::wfm {

taken_batch::taken_batch(std::shared_ptr<tap_core> core,
                         std::vector<int> slots,
                         std::vector<window_info> windows)
    : d_core(std::move(core)), d_slots(std::move(slots)), d_windows(std::move(windows))
{
}

taken_batch::~taken_batch() { finish({}); }

void taken_batch::copy_to(gr_complex* destination)
{
    if (d_slots.size() != d_windows.size())
        throw std::runtime_error("this batch was copied, completed or discarded already: "
                                 "its samples are gone; copy before that, and once");
    // The channels of a slot lie one after another, as the result's rows do.
    const size_t size = channels() * window();
    for (size_t i = 0; i < d_slots.size(); i++)
        std::copy_n(
            d_core->ring.channel_data(d_slots[i], 0), size, destination + i * size);
    free_slots();
}

void taken_batch::finish(const std::vector<tag_list>& tags)
{
    if (!tags.empty() && tags.size() != d_windows.size())
        throw std::invalid_argument(
            "complete() got " + std::to_string(tags.size()) + " lists of tags for " +
            std::to_string(d_windows.size()) + " windows: one list a window is expected");
    if (d_finished)
        return;
    d_finished = true;
    std::vector<uint64_t> starts;
    for (const window_info& window : d_windows)
        starts.push_back(window.start);
    d_core->board.resolve(starts, tags);
    free_slots();
}

void taken_batch::free_slots()
{
    d_core->ring.release(d_slots);
    d_slots.clear();
    d_core->signal();
}

} // namespace gr::wfm
