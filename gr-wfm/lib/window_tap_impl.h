// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef INCLUDED_WFM_WINDOW_TAP_IMPL_H
#define INCLUDED_WFM_WINDOW_TAP_IMPL_H

#include "segment_tracker.h"
#include "stream_tags.h"
#include "tap_core.h"
#include "tap_counters.h"
#include "tap_parameters.h"
#include "window_cutter.h"
#include <atomic>
#include <gnuradio/wfm/window_tap.h>
#include <memory>
#include <mutex>

namespace gr {
namespace wfm {

/*!
 * Three places in the stream: what has left (position), what has been looked
 * at (d_scanned), and what is in the input buffer. In the steady state
 * d_scanned - position = hold. The scheduler preloads `hold` zeros in front
 * of the first sample, so position starts at -hold, and nitems_read(0) =
 * position + hold; the zeros are consumed, not put out.
 */
class window_tap_impl : public window_tap
{
public:
    explicit window_tap_impl(const tap_parameters& parameters);

    bool start() override;
    bool stop() override;
    void forecast(int noutput_items, gr_vector_int& ninput_items_required) override;
    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

    window_batch::sptr take(int max_windows, int timeout_ms) override;
    void complete(const window_batch::sptr& batch,
                  const std::vector<tag_list>& tags) override;
    void discard(const window_batch::sptr& batch) override;
    void open() override;
    void close() override;
    void fail() override;
    void bypass() override;
    std::map<std::string, uint64_t> counters() const override;
    void set_gate_dbfs(double gate_dbfs) override;
    void set_hop(int hop) override;
    int hop() const override { return d_cutter.hop(); }
    double gate_dbfs() const override { return d_gate_dbfs; }

private:
    std::shared_ptr<tap_core> core() const;
    int64_t position();
    bool ended();
    int64_t may_leave(bool at_end) const;
    int room() const;

    size_t scan(size_t fresh);
    void read_tags(size_t fresh);
    size_t apply_tags(size_t next);
    void act_on(segment_tracker::change change, uint64_t offset);
    int pass(int64_t limit,
             int noutput_items,
             const gr_vector_const_void_star& input_items,
             const gr_vector_void_star& output_items,
             bool& moved);

    const tap_parameters d_parameters;
    const bool d_exact; //!< samples wait for the results of their windows
    std::atomic<double> d_gate_dbfs;
    std::atomic<bool> d_failed{ false };
    std::atomic<bool> d_bypassed{ false };
    tap_counters d_counters;

    mutable std::mutex d_core_mutex; //!< for d_core, not for what it points at
    std::shared_ptr<tap_core> d_core;

    // Of the stream thread only, from here on.
    std::shared_ptr<tap_core> d_run; //!< the core of this run
    window_cutter d_cutter;
    std::unique_ptr<segment_tracker> d_segment;
    stream_tags d_tags;
    stream_tags::writer d_write_tag;
    int64_t d_scanned = 0;
    uint64_t d_tags_read = 0; //!< tags before this sample were applied
    std::vector<const gr_complex*> d_input;

    struct arrived_tag {
        size_t channel;
        tag_t tag;
    };
    std::vector<arrived_tag> d_arrived; //!< tags of the samples being scanned
    std::vector<tag_t> d_channel_tags;
};

} // namespace wfm
} // namespace gr

#endif
