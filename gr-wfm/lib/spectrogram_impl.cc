// SPDX-License-Identifier: GPL-3.0-or-later
#include "spectrogram_impl.h"
#include <algorithm>
#include <gnuradio/io_signature.h>

namespace gr {
namespace wfm {

namespace {

size_t item_floats(const spectrogram_parameters& p)
{
    return p.images() ? static_cast<size_t>(p.height) * p.width : p.fft_size;
}

} // namespace

spectrogram::sptr spectrogram::make(int fft_size,
                                    int hop,
                                    const std::string& output,
                                    int window,
                                    int height,
                                    int width,
                                    double minimum,
                                    double maximum,
                                    double mean,
                                    double std)
{
    const spectrogram_parameters parameters{ fft_size, hop,     output,  window, height,
                                             width,    minimum, maximum, mean,   std };
    parameters.check();
    return gnuradio::make_block_sptr<spectrogram_impl>(parameters);
}

spectrogram_impl::spectrogram_impl(const spectrogram_parameters& p)
    : gr::block("wfm_spectrogram",
                io_signature::make(1, 1, sizeof(gr_complex)),
                io_signature::make(1, 1, item_floats(p) * sizeof(float))),
      d_kernel(p),
      d_images(p.images()),
      d_span(d_images ? p.window : p.fft_size),
      d_step(d_images ? p.window : p.hop),
      d_item_size(item_floats(p))
{
    set_tag_propagation_policy(TPP_DONT);
    // Sizes the input buffer, which must hold a whole item; tags don't depend on it.
    set_relative_rate(1, std::max(d_span, d_step));
}

void spectrogram_impl::forecast(int noutput_items, gr_vector_int& required)
{
    required[0] = d_skip + d_span + (noutput_items - 1) * d_step;
}

int spectrogram_impl::general_work(int noutput_items,
                                   gr_vector_int& ninput_items,
                                   gr_vector_const_void_star& input_items,
                                   gr_vector_void_star& output_items)
{
    const auto* iq = static_cast<const gr_complex*>(input_items[0]);
    auto* out = static_cast<float*>(output_items[0]);
    const size_t available = ninput_items[0];
    size_t next = d_skip; // where the next item starts
    int produced = 0;
    while (produced < noutput_items && next + d_span <= available) {
        if (d_images)
            d_kernel.image(iq + next, out);
        else
            d_kernel.row(iq + next, out);
        out += d_item_size;
        next += d_step;
        produced++;
    }
    const size_t consumed = std::min(next, available);
    d_skip = next - consumed;
    pass_tags(nitems_written(0), nitems_written(0) + produced);
    consume_each(consumed);
    return produced;
}

void spectrogram_impl::pass_tags(uint64_t first, uint64_t end)
{
    std::vector<tag_t> tags;
    get_tags_in_range(tags, 0, first * d_step, end * d_step);
    for (auto& tag : tags) {
        tag.offset /= d_step;
        add_item_tag(0, tag);
    }
}

} // namespace wfm
} // namespace gr
