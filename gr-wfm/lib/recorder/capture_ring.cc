// SPDX-License-Identifier: GPL-3.0-or-later
#include "recorder/capture_ring.h"
#include "common/time_anchor.h"
#include <algorithm>

namespace gr::wfm {

namespace {

// The most that is written at once: the rest of the ring is free meanwhile.
constexpr uint64_t longest_piece = 1 << 16;

} // namespace

window_info later(window_info info, uint64_t samples)
{
    if (const auto first = time_anchor::of(info))
        first->at(info.start + samples, info.rx_rate).state_in(info);
    info.start += samples;
    return info;
}

capture_ring::capture_ring(size_t channels, size_t samples, size_t keep)
    : d_samples(samples), d_keep(keep)
{
    for (size_t i = 0; i < channels; i++)
        d_ring.emplace_back(samples);
}

void capture_ring::begin_segment(const window_info& first)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (!d_segments.empty() && d_segments.back().at == d_head)
        d_segments.pop_back();
    d_segments.push_back({ d_head, first });
    d_segment_open = true;
}

size_t capture_ring::put(const std::vector<const gr_complex*>& input,
                         size_t offset,
                         size_t count)
{
    uint64_t head;
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        head = d_head;
        const uint64_t kept = std::min(d_held, head - std::min<uint64_t>(head, d_keep));
        const uint64_t wanted = head + count > d_samples ? head + count - d_samples : 0;
        d_tail = std::max(d_tail, std::min(wanted, kept));
        forget_segments();
        if (d_overflowing && d_held != nowhere && head - d_held > d_samples / 2)
            return 0;
        count = std::min<uint64_t>(count, d_samples - (head - d_tail));
        d_overflowing = count == 0;
    }
    // Beyond the head nobody reads.
    const size_t place = head % d_samples;
    const size_t before_end = std::min(count, d_samples - place);
    for (size_t i = 0; i < d_ring.size(); i++) {
        const gr_complex* from = input[i] + offset;
        std::copy_n(from, before_end, d_ring[i].data() + place);
        std::copy_n(from + before_end, count - before_end, d_ring[i].data());
    }
    bool awaited;
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_head += count;
        awaited = d_held != nowhere;
    }
    if (awaited)
        d_news.notify_one();
    return count;
}

void capture_ring::forget_segments()
{
    while (d_segments.size() > 1 && d_segments[1].at <= d_tail)
        d_segments.pop_front();
}

void capture_ring::push(capture_command::kind what, const std::string& text)
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        capture_command command{ what, text, d_head };
        if (what == capture_command::kind::start) {
            const uint64_t earliest = std::max(d_tail, d_recorded_to);
            command.at = std::max(d_head - std::min<uint64_t>(d_head, d_keep), earliest);
            d_held = std::min(d_held, command.at);
        } else if (what == capture_command::kind::stop) {
            d_recorded_to = d_head;
        }
        d_commands.push_back(command);
    }
    d_news.notify_one();
}

void capture_ring::close()
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_closed = true;
    }
    d_news.notify_one();
}

void capture_ring::open()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    d_closed = false;
}

bool capture_ring::closed()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_closed;
}

capture_ring::taken capture_ring::take(std::chrono::milliseconds patience,
                                       capture_command& command,
                                       capture_piece& piece)
{
    std::unique_lock<std::mutex> lock(d_mutex);
    const auto samples_wait = [this] { return d_held != nowhere && d_head > d_held; };
    d_news.wait_for(lock, patience, [&] {
        return d_closed || !d_commands.empty() || samples_wait();
    });
    if (!d_commands.empty() && d_commands.front().at <= d_held) {
        command = d_commands.front();
        d_commands.pop_front();
        if (command.what == capture_command::kind::stop)
            d_held = next_start();
        return taken::command;
    }
    if (samples_wait()) {
        find_piece(piece);
        return taken::piece;
    }
    return d_closed ? taken::ended : taken::nothing;
}

uint64_t capture_ring::next_start() const
{
    for (const capture_command& command : d_commands)
        if (command.what == capture_command::kind::start)
            return command.at;
    return nowhere;
}

// From d_held on, to the next command, segment or end of the memory.
void capture_ring::find_piece(capture_piece& piece)
{
    size_t own = 0;
    while (own + 1 < d_segments.size() && d_segments[own + 1].at <= d_held)
        own++;
    const size_t place = d_held % d_samples;
    uint64_t end =
        std::min({ d_head, d_held + d_samples - place, d_held + longest_piece });
    if (own + 1 < d_segments.size())
        end = std::min(end, d_segments[own + 1].at);
    if (!d_commands.empty())
        end = std::min(end, d_commands.front().at);
    const segment& of = d_segments[own];
    piece.first = later(of.first, d_held - of.at);
    piece.new_segment = of.at != d_last_segment;
    piece.count = end - d_held;
    piece.frames.clear();
    for (const auto& channel : d_ring)
        piece.frames.push_back(channel.data() + place);
    d_last_segment = of.at;
}

void capture_ring::release(size_t count)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (d_held != nowhere)
        d_held += count;
}

uint64_t capture_ring::abandon()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    const uint64_t next = next_start();
    const uint64_t lost = d_held == nowhere ? 0 : std::min(next, d_head) - d_held;
    d_held = next;
    d_recorded_to = std::min(next, d_head);
    return lost;
}

} // namespace gr::wfm
