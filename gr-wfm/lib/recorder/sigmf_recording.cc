// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/json_text.h"
#include "recorder/rename_both.h"
#include "recorder/sigmf_recording.h"
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/file.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace gr {
namespace wfm {

namespace {

// Who writes annotations holds the lock for less.
constexpr std::chrono::seconds lock_patience(5);
constexpr std::chrono::milliseconds lock_poll(2);

// SigMF's limits.
constexpr double highest_freq = 1e12;
constexpr int64_t last_second = 253402300799; // of the year 9999

[[noreturn]] void fail(int error, const std::string& what)
{
    throw std::system_error(error, std::generic_category(), what);
}

std::string hidden_beside(const std::string& path)
{
    const std::filesystem::path whole(path);
    return (whole.parent_path() / ("." + whole.filename().string() + ".new")).string();
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string utc(int64_t secs, double frac)
{
    const time_t whole = secs;
    struct tm parts;
    gmtime_r(&whole, &parts);
    char date[32];
    std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
    char text[48];
    const long nanoseconds = std::min(std::lround(frac * 1e9), 999999999L);
    std::snprintf(text, sizeof(text), "%s.%09ldZ", date, nanoseconds);
    return text;
}

std::string capture_entry(uint64_t sample, const window_info& first)
{
    std::string entry = "{\"core:sample_start\": " + std::to_string(sample) +
                        ", \"core:global_index\": " +
                        std::to_string(first.start + first.lost);
    if (first.lost > 0) // events and decisions count the samples that came
        entry += ", \"wfm:stream_index\": " + std::to_string(first.start);
    if (std::abs(first.rx_freq) <= highest_freq)
        entry += ", \"core:frequency\": " + json_number(first.rx_freq);
    if (first.has_rx_time && first.rx_time_secs <= last_second)
        entry += ", \"core:datetime\": " +
                 json_string(utc(first.rx_time_secs, first.rx_time_frac));
    return entry + "}";
}

std::string document(const sigmf_head& head)
{
    return "{\n  \"global\": {\n    \"core:datatype\": " + json_string(head.datatype) +
           ",\n    \"core:sample_rate\": " + json_number(head.sample_rate) +
           ",\n    \"core:num_channels\": " + std::to_string(head.channels) +
           ",\n    \"core:version\": \"1.2.0\"" +
           ",\n    \"core:recorder\": \"gr-wfm\"" +
           ",\n    \"core:extensions\": [{\"name\": \"wfm\", \"version\": \"1.0.0\", "
           "\"optional\": true}]"
           "\n  },\n  \"captures\": [],\n  \"annotations\": []\n}\n";
}

void write_whole(const std::string& path, const std::string& text)
{
    const int file =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0)
        fail(errno, path);
    const ssize_t written = ::write(file, text.data(), text.size());
    const int error = written < 0 ? errno : ENOSPC;
    ::close(file);
    if (written != static_cast<ssize_t>(text.size())) {
        ::unlink(path.c_str());
        fail(error, "writing metadata");
    }
}

class file_lock
{
public:
    explicit file_lock(int file) : d_file(file)
    {
        const auto give_up = std::chrono::steady_clock::now() + lock_patience;
        while (::flock(d_file, LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() > give_up)
                fail(errno, "waiting for who annotates the recording");
            std::this_thread::sleep_for(lock_poll);
        }
    }
    ~file_lock() { ::flock(d_file, LOCK_UN); }

private:
    const int d_file;
};

} // namespace

sigmf_recording::sigmf_recording(const std::string& stem,
                                 const sigmf_head& head,
                                 const window_info& first,
                                 const char* frame,
                                 size_t frame_bytes)
    : d_stem(stem),
      d_new_meta(hidden_beside(meta_path())),
      d_new_data(hidden_beside(data_path())),
      d_label(head.label),
      d_data(d_new_data, frame_bytes)
{
    // Who makes the hidden file has the name, if nobody has used it already.
    if (exists(data_path()) || exists(meta_path())) {
        ::unlink(d_new_data.c_str());
        fail(EEXIST, d_stem);
    }
    try {
        std::string text =
            with_entry(document(head), "captures", capture_entry(0, first));
        if (!d_label.empty())
            text = with_entry(text, "annotations", label_entry(0));
        write_whole(d_new_meta, text);
        d_data.append(frame, 1);
        if (const int error =
                rename_both(d_new_data, data_path(), d_new_meta, meta_path()))
            fail(error, d_stem);
    } catch (...) {
        ::unlink(d_new_data.c_str());
        ::unlink(d_new_meta.c_str());
        throw;
    }
    d_captures = 1;
}

void sigmf_recording::begin_capture(const window_info& first, const char* frame)
{
    const uint64_t sample = samples();
    d_data.append(frame, 1);
    try {
        add(capture_entry(sample, first), d_label.empty() ? "" : label_entry(sample));
    } catch (...) {
        d_data.take_back();
        throw;
    }
    d_captures++;
}

void sigmf_recording::note(const std::string& text)
{
    add("",
        "{\"core:sample_start\": " + std::to_string(samples() - 1) +
            ", \"core:sample_count\": 1, \"core:comment\": " + json_string(text) +
            ", \"core:generator\": \"gr-wfm recorder\"}");
}

// Without a count: to the end of its capture, however long that will be.
std::string sigmf_recording::label_entry(uint64_t sample) const
{
    return "{\"core:sample_start\": " + std::to_string(sample) +
           ", \"core:label\": " + json_string(d_label) +
           ", \"core:generator\": \"gr-wfm recorder\"}";
}

void sigmf_recording::add(const std::string& capture, const std::string& annotation)
{
    const file_lock lock(d_data.descriptor());
    std::ifstream stream(meta_path(), std::ios::binary);
    std::string text{ std::istreambuf_iterator<char>(stream), {} };
    if (!stream)
        throw std::runtime_error(meta_path() + " cannot be read any more");
    if (!capture.empty())
        text = with_entry(text, "captures", capture);
    if (!annotation.empty())
        text = with_entry(text, "annotations", annotation);
    write_whole(d_new_meta, text);
    replace_meta();
}

void sigmf_recording::replace_meta()
{
    if (::rename(d_new_meta.c_str(), meta_path().c_str()) == 0)
        return;
    const int error = errno;
    ::unlink(d_new_meta.c_str());
    fail(error, meta_path());
}

} // namespace wfm
} // namespace gr
