// SPDX-License-Identifier: GPL-3.0-or-later
#include "frames/frame_sink_impl.h"
#include <cerrno>
#include <gnuradio/io_signature.h>
#include <system_error>
#include <unistd.h>

namespace gr::wfm {

namespace {

// The file is made new: one that is there already would keep what it has beyond.
const std::string& freed(const std::string& path)
{
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        throw std::system_error(errno, std::generic_category(), path);
    return path;
}

} // namespace

frame_sink::sptr frame_sink::make(int channels, const std::string& path)
{
    return gnuradio::make_block_sptr<frame_sink_impl>(channels, path);
}

frame_sink_impl::frame_sink_impl(int channels, const std::string& path)
    : gr::sync_block("frame_sink",
                     gr::io_signature::make(channels, channels, sizeof(gr_complex)),
                     gr::io_signature::make(0, 0, 0)),
      d_path(path),
      d_packer(channels, true),
      d_file(freed(path), d_packer.frame_bytes()),
      d_input(channels)
{
}

int frame_sink_impl::work(int noutput_items,
                          gr_vector_const_void_star& input_items,
                          gr_vector_void_star& output_items)
{
    if (d_failed)
        return noutput_items;
    for (size_t i = 0; i < d_input.size(); i++)
        d_input[i] = static_cast<const gr_complex*>(input_items[i]);
    try {
        d_file.append(d_packer.pack(d_input, noutput_items), noutput_items);
    } catch (const std::exception& error) {
        fail(error.what());
    }
    d_samples = d_file.frames();
    return noutput_items;
}

void frame_sink_impl::fail(const std::string& why)
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_error = d_path + " has only the first " + std::to_string(d_file.frames()) +
                  " samples a channel (" + why + ")";
        d_logger->error("{:s}; the flowgraph goes on without recording", d_error);
    }
    d_failed = true;
}

std::string frame_sink_impl::error() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_error;
}

} // namespace gr::wfm
