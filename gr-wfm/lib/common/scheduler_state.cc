// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/scheduler_state.h"
#include <gnuradio/buffer_reader.h>

namespace gr {
namespace wfm {

int64_t waiting_samples(const gr::block& block, int input)
{
    const buffer_reader_sptr reader = block.detail()->input(input);
    gr::thread::scoped_lock guard(*reader->mutex());
    return reader->items_available();
}

bool an_input_ended(const gr::block& block, int64_t waiting)
{
    for (int input = 0; input < block.detail()->ninputs(); input++)
        if (block.detail()->input(input)->done() &&
            waiting_samples(block, input) <= waiting)
            return true;
    return false;
}

} // namespace wfm
} // namespace gr
