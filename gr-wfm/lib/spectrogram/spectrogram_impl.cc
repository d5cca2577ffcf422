// SPDX-License-Identifier: GPL-3.0-or-later
#include "spectrogram/spectrogram_impl.h"
#include "common/scheduler_state.h"
#include <algorithm>
#include <gnuradio/io_signature.h>

namespace gr::wfm {

namespace {

// With GNU Radio's own 4096 a flowgraph on one core spent half of its time on changing
// from one block to the next.
constexpr size_t samples_a_call = 16384;

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
    // Sizes the input buffer, which must hold a whole item, and enough for calls that are
    // long beside what the scheduler takes for each; tags don't depend on it.
    set_relative_rate(1, std::max(d_span, samples_a_call));
    if (d_step > d_span)
        d_waiting.resize(d_item_size);
}

// Also after lock() and unlock(), when the samples are counted from 0 again.
bool spectrogram_impl::start()
{
    d_waits = false;
    d_skip = 0;
    return block::start();
}

// What one more item needs: asked for all of them, it would wait, or overflow.
void spectrogram_impl::forecast(int noutput_items, gr_vector_int& required)
{
    if (d_waits && an_input_ended(*this))
        required[0] = 0;
    else
        required[0] = d_skip > 0 || d_waits ? 1 : d_span;
}

int spectrogram_impl::general_work(int noutput_items,
                                   gr_vector_int& ninput_items,
                                   gr_vector_const_void_star& input_items,
                                   gr_vector_void_star& output_items)
{
    auto* out = static_cast<float*>(output_items[0]);
    int produced = 0;
    const size_t consumed = run(static_cast<const gr_complex*>(input_items[0]),
                                ninput_items[0],
                                out,
                                noutput_items,
                                produced);
    if (d_waits && produced < noutput_items && consumed == 0 && an_input_ended(*this)) {
        std::copy(d_waiting.begin(), d_waiting.end(), out + produced * d_item_size);
        d_waits = false;
        produced++;
    }
    pass_tags(consumed);
    consume_each(consumed);
    return produced;
}

void spectrogram_impl::make_item(const gr_complex* iq, float* out)
{
    if (d_images)
        d_kernel.image(iq, out);
    else
        d_kernel.row(iq, out);
}

// Returns the samples that are not needed any more.
size_t spectrogram_impl::run(
    const gr_complex* iq, size_t available, float* out, int noutput_items, int& produced)
{
    size_t next = 0;
    for (;;) {
        const size_t skipped = std::min(d_skip, available - next);
        d_skip -= skipped;
        next += skipped;
        if (d_skip > 0 || produced == noutput_items)
            return next;
        if (d_waits) {
            std::copy(d_waiting.begin(), d_waiting.end(), out + produced * d_item_size);
            d_waits = false;
            produced++;
        } else if (available - next < d_span) {
            return next;
        } else if (d_step > d_span) {
            make_item(iq + next, d_waiting.data());
            d_waits = true;
            d_skip = d_step;
        } else {
            make_item(iq + next, out + produced * d_item_size);
            produced++;
            next += d_step;
        }
    }
}

// A tag may be ahead of the items: its item is not out yet.
void spectrogram_impl::pass_tags(size_t consumed)
{
    const uint64_t first = nitems_read(0);
    std::vector<tag_t> tags;
    get_tags_in_range(tags, 0, first, first + consumed);
    for (auto& tag : tags) {
        tag.offset /= d_step;
        add_item_tag(0, tag);
    }
}

} // namespace gr::wfm
