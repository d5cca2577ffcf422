// SPDX-License-Identifier: GPL-3.0-or-later
#include "recorder/recorder_parameters.h"
#include "common/parameter_check.h"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <unistd.h>

namespace gr::wfm {

namespace {

constexpr parameter_check check("recorder");
constexpr double highest_rate = 1e12; // SigMF's own limit
constexpr double most_ring_bytes = 16e9;
constexpr size_t longest_label = 200;
// Room for a few calls of work(), also at low rates.
constexpr double least_queue_samples = 1 << 17;

void make_folder(const std::string& folder)
{
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (!std::filesystem::is_directory(folder) || ::access(folder.c_str(), W_OK) != 0)
        throw std::runtime_error("recorder: the folder " + folder +
                                 " cannot be made or written, expected: one that can");
}

} // namespace

bool is_utf8(const std::string& text)
{
    try {
        nlohmann::json(text).dump();
        return true;
    } catch (const nlohmann::json::type_error&) {
        return false;
    }
}

void check_label(const std::string& label)
{
    check(label.size() <= longest_label,
          "the label's length",
          label.size(),
          "200 bytes at most");
    check(is_utf8(label), "the label", "not UTF-8", "text in UTF-8");
}

void recorder_parameters::check() const
{
    using gr::wfm::check;
    check.channels(channels);
    check(sample_rate > 0 && sample_rate <= highest_rate,
          "sample_rate",
          sample_rate,
          "more than 0 Hz, at most 1e12 Hz");
    check(!prefix.empty() && prefix.find('/') == std::string::npos && is_utf8(prefix) &&
              prefix[0] != '.',
          "prefix",
          std::quoted(prefix),
          "a file name's first part, without /");
    check_label(label);
    check(pre_trigger >= 0 && std::isfinite(pre_trigger),
          "pre_trigger",
          pre_trigger,
          "0 or more seconds");
    check(rotate_mb >= 0, "rotate_mb", rotate_mb, "0 (never) or more megabytes");
    check(datatype == "cf32_le" || datatype == "ci16_le",
          "datatype",
          std::quoted(datatype),
          "\"cf32_le\" or \"ci16_le\"");
    check(queue > 0 && std::isfinite(queue), "queue", queue, "more than 0 seconds");
    check((pre_trigger + queue) * sample_rate * channels * 8 <= most_ring_bytes,
          "pre_trigger + queue",
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

} // namespace gr::wfm
