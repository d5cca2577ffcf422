// SPDX-License-Identifier: GPL-3.0-or-later
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
#include <nlohmann/json.hpp>
#include <regex>
#include <system_error>
#include <unistd.h>

namespace gr::wfm {

namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

// Who writes annotations, or removes leftovers, holds a lock for less.
constexpr std::chrono::seconds lock_patience(5);

// SigMF's limits.
constexpr double highest_freq = 1e12;
constexpr int64_t last_second = 253402300799; // of the year 9999

// Others may have written the metadata; to write what is nested takes stack.
constexpr int deepest = 64; // as wfm_core.base.json_text has it

constexpr uintmax_t longest_frame = 64 * 8;
constexpr const char* generator = "gr-wfm recorder";

[[noreturn]] void fail(int error, const std::string& what)
{
    throw std::system_error(error, std::generic_category(), what);
}

// Where the file is while it is not whole; wfm_core.base.files has eight letters there,
// too.
std::string part_of(const fs::path& path)
{
    return path.parent_path() / ("." + path.filename().string() + ".recorder.part");
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string utc(int64_t secs, double frac)
{
    const time_t whole = secs;
    struct tm parts;
    gmtime_r(&whole, &parts);
    char date[32];
    std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
    char text[64];
    const long nanoseconds = std::min(std::lround(frac * 1e9), 999999999L);
    std::snprintf(text, sizeof(text), "%s.%09ldZ", date, nanoseconds);
    return text;
}

json document(const sigmf_head& head)
{
    return { { "global",
               { { "core:datatype", head.datatype },
                 { "core:sample_rate", head.sample_rate },
                 { "core:num_channels", head.channels },
                 { "core:version", "1.2.0" },
                 { "core:recorder", "gr-wfm" },
                 { "core:extensions",
                   json::array({ { { "name", "wfm" },
                                   { "version", "1.0.0" },
                                   { "optional", true } } }) } } },
             { "captures", json::array() },
             { "annotations", json::array() } };
}

json read_metadata(const std::string& path)
{
    std::ifstream stream(path, std::ios::binary);
    if (!stream)
        throw std::runtime_error(path + " cannot be read any more");
    const auto not_too_deep = [](int depth, json::parse_event_t, json&) {
        if (depth > deepest)
            throw std::runtime_error("nested more than " + std::to_string(deepest) +
                                     " deep");
        return true;
    };
    json metadata;
    try {
        metadata = json::parse(stream, not_too_deep);
    } catch (const std::exception& error) {
        throw std::runtime_error(path + " is not our metadata any more: " + error.what());
    }
    for (const char* section : { "captures", "annotations" })
        if (!metadata.is_object() || !metadata[section].is_array())
            throw std::runtime_error(path + " has no array " + section + " any more");
    return metadata;
}

void rename_file(const std::string& from, const std::string& to)
{
    if (::rename(from.c_str(), to.c_str()) != 0)
        fail(errno, to);
}

// Write the part of the file that is to be renamed.
void write_part(const std::string& path, const json& metadata)
{
    const std::string text = metadata.dump(2) + "\n";
    const std::string part = part_of(path);
    const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0)
        fail(errno, part);
    const ssize_t written = ::write(file, text.data(), text.size());
    const int error = written < 0 ? errno : ENOSPC;
    ::close(file);
    if (written != static_cast<ssize_t>(text.size())) {
        ::unlink(part.c_str());
        fail(error, "writing metadata");
    }
}

} // namespace

sigmf_recording::sigmf_recording(const std::string& stem,
                                 const sigmf_head& head,
                                 const window_info& first,
                                 const char* frame,
                                 size_t frame_bytes)
    : d_stem(stem),
      d_label(head.label),
      d_writes_here(fs::path(stem).parent_path(), LOCK_SH, lock_patience),
      d_data(part_of(data_path()), frame_bytes)
{
    std::string data = part_of(data_path());
    // Who makes the part has the name, if nobody has used it already.
    if (exists(data_path()) || exists(meta_path())) {
        ::unlink(data.c_str());
        fail(EEXIST, d_stem);
    }
    try {
        d_data.append(frame, 1);
        json metadata = document(head);
        add_capture(metadata, first);
        write_part(meta_path(), metadata);
        rename_file(data, data_path());
        data = data_path();
        rename_file(part_of(meta_path()), meta_path());
    } catch (...) {
        ::unlink(data.c_str());
        ::unlink(part_of(meta_path()).c_str());
        throw;
    }
}

// What is hidden; and where a kill came between the two names of a new recording, which
// is seen by its hidden metadata, its data of one frame.
void sigmf_recording::clear_leftovers(const std::string& folder)
{
    const file_lock alone(folder, LOCK_EX, std::chrono::seconds(0));
    if (alone.error() != 0)
        return;
    static const std::regex part("\\.([\\s\\S]+)\\.[a-z0-9_]{8}\\.part"); // as Python's
    std::error_code ignored; // such as in a folder of someone else's
    fs::directory_iterator entry(folder, ignored);
    for (; entry != fs::directory_iterator(); entry.increment(ignored)) {
        const std::string name = entry->path().filename();
        std::smatch match;
        if (!std::regex_match(name, match, part) ||
            entry->symlink_status(ignored).type() != fs::file_type::regular)
            continue;
        fs::remove(entry->path(), ignored);
        const fs::path file = fs::path(folder) / match[1].str();
        const fs::path data = fs::path(file).replace_extension(".sigmf-data");
        if (file.extension() == ".sigmf-meta" && !exists(file) &&
            fs::file_size(data, ignored) <= longest_frame)
            fs::remove(data, ignored);
    }
}

void sigmf_recording::begin_capture(const window_info& first, const char* frame)
{
    d_data.append(frame, 1);
    try {
        change([&](json& metadata) { add_capture(metadata, first); });
    } catch (...) {
        d_data.take_back();
        throw;
    }
}

void sigmf_recording::note(const std::string& text)
{
    change([&](json& metadata) {
        metadata["annotations"].push_back({ { "core:sample_start", samples() - 1 },
                                            { "core:sample_count", 1 },
                                            { "core:comment", text },
                                            { "core:generator", generator } });
    });
}

// A capture that begins with the last sample.
void sigmf_recording::add_capture(json& metadata, const window_info& first)
{
    json capture = { { "core:sample_start", samples() - 1 },
                     { "core:global_index", first.start + first.lost } };
    if (first.lost > 0) // events and decisions count the samples that came
        capture["wfm:stream_index"] = first.start;
    if (std::abs(first.rx_freq) <= highest_freq)
        capture["core:frequency"] = first.rx_freq;
    if (first.has_rx_time && first.rx_time_secs <= last_second)
        capture["core:datetime"] = utc(first.rx_time_secs, first.rx_time_frac);
    metadata["captures"].push_back(capture);
    // Without a count: to the end of its capture, however long that will be.
    if (!d_label.empty())
        metadata["annotations"].push_back({ { "core:sample_start", samples() - 1 },
                                            { "core:label", d_label },
                                            { "core:generator", generator } });
    d_captures++;
}

void sigmf_recording::change(const std::function<void(json&)>& how) const
{
    const file_lock lock(data_path(), LOCK_EX, lock_patience);
    if (lock.error() != 0)
        fail(lock.error(), "waiting for who annotates the recording");
    json metadata = read_metadata(meta_path());
    how(metadata);
    write_part(meta_path(), metadata);
    try {
        rename_file(part_of(meta_path()), meta_path());
    } catch (...) {
        ::unlink(part_of(meta_path()).c_str());
        throw;
    }
}

} // namespace gr::wfm
