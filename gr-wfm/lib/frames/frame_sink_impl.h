// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "frames/frame_packer.h"
#include "frames/whole_frames_file.h"
#include <atomic>
#include <gnuradio/wfm/frame_sink.h>
#include <mutex>

namespace gr::wfm {

class frame_sink_impl : public frame_sink
{
public:
    frame_sink_impl(int channels, const std::string& path);

    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

    std::string error() const override;
    uint64_t samples() const override { return d_samples; }

private:
    void fail(const std::string& why);

    const std::string d_path;
    frame_packer d_packer;
    whole_frames_file d_file;
    std::vector<const gr_complex*> d_input;
    std::atomic<uint64_t> d_samples{ 0 };
    std::atomic<bool> d_failed{ false };
    mutable std::mutex d_mutex; //!< for the text below
    std::string d_error;
};

} // namespace gr::wfm
