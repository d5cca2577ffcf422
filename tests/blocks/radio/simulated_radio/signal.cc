// SPDX-License-Identifier: GPL-3.0-or-later
#include "signal.h"
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace wfmsim {

namespace {

constexpr float full_scale = 32768;

std::vector<int16_t> read_recording(const std::string& path, const std::string& format)
{
    std::ifstream stream(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
    std::vector<int16_t> values;
    if (format == "cu8") {
        for (const char byte : bytes)
            values.push_back((static_cast<uint8_t>(byte) - 127.5f) * 256);
    } else if (format == "ci16") {
        values.resize(bytes.size() / sizeof(int16_t));
        std::memcpy(values.data(), bytes.data(), values.size() * sizeof(int16_t));
    } else {
        throw std::runtime_error("wfmsim: format is ci16 or cu8, not " + format);
    }
    if (values.size() < 2)
        throw std::runtime_error("wfmsim: no samples in " + path);
    return values;
}

} // namespace

signal::signal(const options& opts)
{
    if (!opts.recording.empty())
        d_recording = read_recording(opts.recording, opts.recording_format);
}

void signal::sample(uint64_t tick, size_t channel, int16_t* iq) const
{
    if (d_recording.empty()) {
        iq[0] = tick & 0x7fff;
        iq[1] = tick >> 15 & 0x7fff;
        return;
    }
    const int16_t* recorded = &d_recording[2 * (tick % (d_recording.size() / 2))];
    iq[0] = channel ? -recorded[1] : recorded[0];
    iq[1] = channel ? recorded[0] : recorded[1];
}

void signal::write(
    uint64_t first, size_t count, size_t channel, bool raw, void* destination) const
{
    int16_t iq[2];
    for (size_t i = 0; i < count; i++) {
        sample(first + i, channel, iq);
        for (size_t part = 0; part < 2; part++) {
            if (raw)
                static_cast<int16_t*>(destination)[2 * i + part] = iq[part];
            else
                static_cast<float*>(destination)[2 * i + part] = iq[part] / full_scale;
        }
    }
}

} // namespace wfmsim
