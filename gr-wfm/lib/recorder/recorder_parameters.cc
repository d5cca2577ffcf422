// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/json_text.h"
#include "recorder/recorder_parameters.h"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace gr {
namespace wfm {

namespace {

constexpr int most_channels = 64;
constexpr double highest_rate = 1e12; // SigMF's own limit
constexpr double most_ring_bytes = 16e9;
constexpr size_t longest_label = 200;
// Room for a few calls of work(), also at low rates.
constexpr double least_queue_samples = 1 << 17;

template <typename T>
[[noreturn]] void refuse(const char* name, const T& seen, const std::string& wanted)
{
    std::ostringstream sentence;
    sentence << "recorder: " << name << " is " << seen << ", expected: " << wanted;
    throw std::invalid_argument(sentence.str());
}

void make_folder(const std::string& folder)
{
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (!std::filesystem::is_directory(folder) || ::access(folder.c_str(), W_OK) != 0)
        throw std::runtime_error("recorder: the folder " + folder +
                                 " cannot be made or written, expected: one that can");
}

} // namespace

void check_label(const std::string& label)
{
    if (label.size() > longest_label)
        refuse("the label's length", label.size(), "200 bytes at most");
    if (!is_utf8(label))
        refuse("the label", "not UTF-8", "text in UTF-8");
}

void recorder_parameters::check() const
{
    if (channels < 1 || channels > most_channels)
        refuse("channels", channels, "1 to 64");
    if (!(sample_rate > 0 && sample_rate <= highest_rate))
        refuse("sample_rate", sample_rate, "more than 0 Hz, at most 1e12 Hz");
    if (prefix.empty() || prefix.find('/') != std::string::npos || !is_utf8(prefix) ||
        prefix[0] == '.')
        refuse("prefix", json_string(prefix), "a file name's first part, without /");
    check_label(label);
    if (!(pre_trigger >= 0 && std::isfinite(pre_trigger)))
        refuse("pre_trigger", pre_trigger, "0 or more seconds");
    if (!(rotate_mb >= 0))
        refuse("rotate_mb", rotate_mb, "0 (never) or more megabytes");
    if (datatype != "cf32_le" && datatype != "ci16_le")
        refuse("datatype", json_string(datatype), "\"cf32_le\" or \"ci16_le\"");
    if (!(queue > 0 && std::isfinite(queue)))
        refuse("queue", queue, "more than 0 seconds");
    if ((pre_trigger + queue) * sample_rate * channels * 8 > most_ring_bytes)
        refuse("pre_trigger + queue",
               pre_trigger + queue,
               "seconds that take 16 GB at most, at 8 bytes a sample and channel");
    make_folder(folder);
}

size_t recorder_parameters::keep_samples() const
{
    return std::llround(pre_trigger * sample_rate);
}

size_t recorder_parameters::ring_samples() const
{
    return keep_samples() +
           std::llround(std::max(queue * sample_rate, least_queue_samples));
}

uint64_t recorder_parameters::rotate_samples() const
{
    const double samples = std::floor(rotate_mb * 1e6 / frame_bytes());
    if (rotate_mb == 0 || samples > 1e18)
        return std::numeric_limits<uint64_t>::max();
    return std::max(samples, 1.0);
}

} // namespace wfm
} // namespace gr
