// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/channel_tags.h"
#include "common/segment_tracker.h"
#include "recorder/writer_thread.h"
#include <atomic>
#include <gnuradio/wfm/recorder.h>
#include <mutex>
#include <optional>

namespace gr::wfm {

class recorder_impl : public recorder
{
public:
    explicit recorder_impl(const recorder_parameters& parameters);
    ~recorder_impl() override;

    bool start() override;
    bool stop() override;
    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

    void set_recording(bool recording) override;
    void set_label(const std::string& label) override;
    void annotate(const std::string& text) override;
    bool recording() const override { return d_session & 1; }
    std::map<std::string, uint64_t> counters() const override
    {
        return d_counters.values();
    }

private:
    // Of the stream thread, which also handles the messages.
    size_t apply_tags(size_t next, uint64_t offset);
    void store(uint64_t offset, size_t in_buffer, size_t count);
    window_info describe(uint64_t offset);
    void on_control(const pmt::pmt_t& message);
    void on_trigger(const pmt::pmt_t& message);
    void obey(const std::map<std::string, std::string>& orders);
    void refuse(const std::string& why);
    void tell_left_behind(const std::string& sentence);
    void publish_event(const std::string& kind,
                       const pmt::pmt_t& key,
                       const std::string& text,
                       const pmt::pmt_t& more = pmt::make_dict());

    // Of the writer thread.
    void tell(const recording_event& event);
    void publish_status();

    const recorder_parameters d_parameters;
    //! Twice the number of starts so far, and one more while recording.
    std::atomic<uint64_t> d_session{ 0 };
    const std::shared_ptr<writer_thread> d_thread;
    capture_ring& d_ring;
    recorder_counters& d_counters;

    std::vector<channel_tag> d_arrived;
    std::vector<const gr_complex*> d_input;
    std::unique_ptr<segment_tracker> d_segment;
    uint64_t d_lost = 0; //!< samples of this run that wfm_lost told
    bool d_aligned = true;
    std::string d_label;                      //!< of the next start
    bool d_wanted;                            //!< recording, also after a pause
    std::optional<time_anchor> d_host;        //!< the host's clock, at some sample
    std::optional<time_anchor> d_radio_start; //!< the host's clock, at the radio's zero

    mutable std::mutex d_text_mutex; //!< for both below
    std::string d_path;
    std::string d_error;
};

} // namespace gr::wfm
