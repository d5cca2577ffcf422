// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "spectrogram/spectrogram_kernel.h"
#include <gnuradio/wfm/spectrogram.h>
#include <vector>

namespace gr::wfm {

class spectrogram_impl : public spectrogram
{
public:
    explicit spectrogram_impl(const spectrogram_parameters& parameters);

    bool start() override;
    void forecast(int noutput_items, gr_vector_int& ninput_items_required) override;
    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

private:
    void make_item(const gr_complex* iq, float* out);
    size_t run(const gr_complex* iq,
               size_t available,
               float* out,
               int noutput_items,
               int& produced);
    void pass_tags(size_t consumed);

    spectrogram_kernel d_kernel;
    const bool d_images;
    const size_t d_span;      // samples that make an item
    const size_t d_step;      // samples from one item to the next
    const size_t d_item_size; // floats
    // Where a step is longer than an item's samples, the item waits for the rest of its
    // step: a tag there is on it, and must not come after it.
    std::vector<float> d_waiting;
    bool d_waits = false;
    size_t d_skip = 0; // samples to the next item's first one
};

} // namespace gr::wfm
