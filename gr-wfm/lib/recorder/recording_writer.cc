// SPDX-License-Identifier: GPL-3.0-or-later
#include "recorder/recording_writer.h"
#include <algorithm>
#include <cctype>
#include <cmath>
#include <ctime>
#include <exception>
#include <spdlog/fmt/chrono.h>
#include <system_error>

namespace gr::wfm {

namespace {

// Metadata are written again for each capture: more of them go to another file.
constexpr int most_captures = 1000;
constexpr size_t longest_label_in_name = 40;

// What every file system and shell takes: letters, digits, dots, dashes.
std::string file_safe(const std::string& label)
{
    std::string safe;
    for (const char c : label) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = byte < 0x80 && (std::isalnum(byte) || c == '.' || c == '-');
        if (plain)
            safe += c;
        else if (!safe.empty() && safe.back() != '-')
            safe += '-';
    }
    safe.resize(std::min(safe.size(), longest_label_in_name));
    while (!safe.empty() && safe.back() == '-')
        safe.pop_back();
    return safe;
}

} // namespace

recording_writer::recording_writer(const recorder_parameters& parameters,
                                   capture_ring& ring,
                                   recorder_counters& counters,
                                   listener tell)
    : d_parameters(parameters),
      d_ring(ring),
      d_counters(counters),
      d_tell(std::move(tell)),
      d_packer(parameters.channels, parameters.integers())
{
}

bool recording_writer::step(std::chrono::milliseconds patience)
{
    const auto taken = d_ring.take(patience, d_command, d_piece);
    if (taken == capture_ring::taken::ended)
        return false;
    if (taken == capture_ring::taken::nothing)
        return true;
    d_written = 0;
    try {
        if (taken == capture_ring::taken::command) {
            obey(d_command);
        } else {
            write(d_piece);
            d_ring.release(d_piece.count);
        }
    } catch (const std::exception& error) {
        fail(error);
    }
    return true;
}

void recording_writer::obey(const capture_command& command)
{
    using kind = capture_command::kind;
    switch (command.what) {
    case kind::start:
        sigmf_recording::clear_leftovers(d_parameters.folder);
        d_recording = true;
        d_starts++;
        d_label = command.text;
        d_name.clear();
        break;
    case kind::stop:
        d_recording = false;
        d_notes.clear();
        end_file();
        break;
    case kind::label:
        if (command.text == d_label)
            break;
        end_file();
        d_label = command.text;
        d_name.clear();
        break;
    case kind::note:
        if (d_recording)
            d_notes.push_back(command.text);
        if (d_file)
            say_notes();
        break;
    }
}

void recording_writer::write(const capture_piece& piece)
{
    const char* data = d_packer.pack(piece.frames, piece.count);
    const size_t frame = d_parameters.frame_bytes();
    while (d_written < piece.count) {
        const window_info here = later(piece.first, d_written);
        const char* next = data + d_written * frame;
        const bool breaks = piece.new_segment && d_written == 0;
        if (d_file && (here.rx_rate != d_rate ||
                       d_file->samples() >= d_parameters.rotate_samples() ||
                       (breaks && d_file->captures() >= most_captures)))
            end_file();
        if (!d_file) {
            begin_file(here, next);
            count_written(1);
        } else if (breaks) {
            d_file->begin_capture(here, next);
            count_written(1);
        } else {
            append(next, piece.count - d_written);
        }
        say_notes();
    }
}

// As many of these samples as the file may have.
void recording_writer::append(const char* data, size_t count)
{
    const uint64_t before = d_file->samples();
    try {
        d_file->append(data,
                       std::min<uint64_t>(count, d_parameters.rotate_samples() - before));
    } catch (...) {
        count_written(d_file->samples() - before);
        throw;
    }
    count_written(d_file->samples() - before);
}

void recording_writer::count_written(size_t count)
{
    d_written += count;
    d_counters.samples_recorded += count;
}

void recording_writer::begin_file(const window_info& first, const char* frame)
{
    if (!(first.rx_rate <= 1e12))
        throw std::runtime_error("the stream states a sample rate of " +
                                 std::to_string(first.rx_rate) +
                                 " Hz, SigMF holds 1e12 Hz at most");
    const sigmf_head head{
        d_parameters.datatype, first.rx_rate, d_parameters.channels, d_label
    };
    while (!d_file) {
        try {
            d_file = std::make_unique<sigmf_recording>(
                next_stem(), head, first, frame, d_parameters.frame_bytes());
        } catch (const std::system_error& error) {
            if (error.code() != std::errc::file_exists)
                throw;
        }
    }
    d_rate = first.rx_rate;
    d_file_start = first.start;
    d_counters.recordings++;
    d_tell({ "begin", d_file->meta_path(), d_label, d_file_start, 0, d_starts });
}

void recording_writer::end_file()
{
    if (!d_file)
        return;
    const recording_event event{ "end",        d_file->meta_path(), d_label,
                                 d_file_start, d_file->samples(),   d_starts };
    d_file.reset();
    d_tell(event);
}

void recording_writer::say_notes()
{
    for (const std::string& note : d_notes)
        d_file->note(note);
    d_notes.clear();
}

// The recording ends; a new start may try again.
void recording_writer::fail(const std::exception& error)
{
    d_recording = false;
    d_notes.clear();
    d_counters.failures++;
    d_ring.release(d_written);
    d_counters.samples_unwritten += d_ring.abandon();
    end_file();
    d_tell({ "error", error.what(), d_label, d_file_start, 0, d_starts });
}

// The path of the next files, without .sigmf-*.
std::string recording_writer::next_stem()
{
    if (d_name.empty()) {
        const std::string label = file_safe(d_label);
        d_name = d_parameters.prefix + (label.empty() ? "" : "_" + label) +
                 fmt::format("_{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::time(nullptr)));
        // Within a second: a name that was freed is not used again, so that names
        // stay in the order of the recordings.
        if (d_name != d_last_name)
            d_number = 0;
        d_last_name = d_name;
    }
    return fmt::format("{}/{}_{:03d}", d_parameters.folder, d_name, d_number++);
}

} // namespace gr::wfm
