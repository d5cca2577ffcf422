// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_SPECTROGRAM_IMPL_H
#define INCLUDED_WFM_SPECTROGRAM_IMPL_H

#include "spectrogram_kernel.h"
#include <gnuradio/wfm/spectrogram.h>

namespace gr {
namespace wfm {

class spectrogram_impl : public spectrogram
{
public:
    explicit spectrogram_impl(const spectrogram_parameters& parameters);

    void forecast(int noutput_items, gr_vector_int& ninput_items_required) override;
    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

private:
    void pass_tags(uint64_t first, uint64_t end);

    spectrogram_kernel d_kernel;
    const bool d_images;
    const size_t d_span;      // samples that make an item
    const size_t d_step;      // samples from one item to the next
    const size_t d_item_size; // floats
    size_t d_skip = 0;        // samples between two items that are not there yet
};

} // namespace wfm
} // namespace gr

#endif
