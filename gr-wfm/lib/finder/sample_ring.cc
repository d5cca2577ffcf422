// SPDX-License-Identifier: GPL-3.0-or-later
#include "finder/sample_ring.h"
#include "common/time_anchor.h"

namespace gr::wfm {

namespace {

// Nobody waits for the lock longer than it takes to copy so many.
constexpr size_t copied_at_once = 1 << 14;

} // namespace

template <typename copier>
void sample_ring::in_two(uint64_t position, size_t n, copier copy) const
{
    auto* samples = reinterpret_cast<gr_complex*>(d_samples.get());
    const size_t at = position % d_capacity;
    const size_t first = std::min(n, d_capacity - at);
    copy(samples + at, size_t(0), first);
    copy(samples, first, n - first);
}

void sample_ring::begin_piece(const window_info& info, size_t capacity, size_t memory)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (capacity > d_capacity)
        grow(capacity);
    d_memory = std::max(d_memory, memory);
    d_pieces.push_back({ d_written, info, false, 0, false });
}

void sample_ring::grow(size_t capacity)
{
    std::unique_ptr<float[]> samples(new float[2 * capacity]);
    auto* to = reinterpret_cast<gr_complex*>(samples.get());
    for (uint64_t position = oldest(); position < d_written;) {
        const size_t at = position % capacity;
        const size_t n = std::min<uint64_t>(capacity - at, d_written - position);
        in_two(position, n, [&](const gr_complex* from, size_t offset, size_t count) {
            std::copy_n(from, count, to + at + offset);
        });
        position += n;
    }
    d_samples.swap(samples);
    d_capacity = capacity;
}

void sample_ring::end_piece()
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        if (d_pieces.empty() || d_pieces.back().ended)
            return;
        d_pieces.back().ended = true;
        d_pieces.back().end = d_written;
    }
    d_arrived.notify_all();
}

bool sample_ring::piece_open() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return !d_pieces.empty() && !d_pieces.back().ended;
}

uint64_t sample_ring::written() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_written;
}

// The first sample that must not be overwritten.
uint64_t sample_ring::needed_from() const
{
    const uint64_t unread = d_read - std::min<uint64_t>(d_read, d_memory);
    return d_kept.empty() ? unread : std::min(unread, *d_kept.begin());
}

size_t sample_ring::put(const gr_complex* samples, size_t n)
{
    size_t done = 0;
    while (done < n) {
        std::lock_guard<std::mutex> lock(d_mutex);
        size_t count = std::min({ n - done, copied_at_once, d_capacity });
        if (d_lossless)
            count = std::min<uint64_t>(count, needed_from() + d_capacity - d_written);
        if (count == 0)
            break;
        in_two(d_written, count, [&](gr_complex* to, size_t offset, size_t part) {
            std::copy_n(samples + done + offset, part, to);
        });
        d_written += count;
        done += count;
        d_arrived.notify_all();
    }
    return done;
}

bool sample_ring::read(gr_complex* to, size_t least, size_t most, stretch& got)
{
    got = {};
    std::unique_lock<std::mutex> lock(d_mutex);
    d_waiting = true;
    if (d_pieces.empty())
        d_idle.notify_all();
    d_arrived.wait(lock, [&] {
        return d_closed || (!d_pieces.empty() &&
                            (d_pieces.front().ended || d_written - d_read >= least));
    });
    d_waiting = false;
    if (d_closed)
        return false;
    piece& now = d_pieces.front();
    const uint64_t end = now.ended ? now.end : d_written;
    uint64_t from = d_read;
    if (from < oldest()) // half of the ring is given up, so that it does not go on so
        from = d_written - d_capacity / 2;
    from = std::min(from, end);
    got.skipped = from - d_read;
    got.begins = !now.told || got.skipped > 0;
    got.position = from;
    if (got.begins) {
        got.info = now.info;
        got.info.start += from - now.begin;
        if (const auto time = time_anchor::of(now.info))
            time->at(got.info.start, now.info.rx_rate).state_in(got.info);
        now.told = true;
    }
    got.count = std::min<uint64_t>({ end - from, most, copied_at_once });
    in_two(from, got.count, [&](const gr_complex* samples, size_t offset, size_t part) {
        std::copy_n(samples, part, to + offset);
    });
    d_read = from + got.count;
    got.ends = now.ended && d_read == end;
    if (got.ends)
        d_pieces.pop_front();
    return true;
}

bool sample_ring::copy(uint64_t position, size_t n, gr_complex* to) const
{
    for (size_t done = 0; done < n;) {
        std::lock_guard<std::mutex> lock(d_mutex);
        const size_t count = std::min(n - done, copied_at_once);
        if (position + done < oldest() || position + done + count > d_written)
            return false;
        in_two(position + done,
               count,
               [&](const gr_complex* samples, size_t offset, size_t part) {
                   std::copy_n(samples, part, to + done + offset);
               });
        done += count;
    }
    return true;
}

void sample_ring::keep(uint64_t position)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    d_kept.insert(position);
}

void sample_ring::let_go(uint64_t position)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    const auto one = d_kept.find(position);
    if (one != d_kept.end())
        d_kept.erase(one);
}

bool sample_ring::all_read() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_waiting && d_pieces.empty();
}

void sample_ring::wait_all_read()
{
    std::unique_lock<std::mutex> lock(d_mutex);
    d_idle.wait(lock, [this] { return d_closed || (d_waiting && d_pieces.empty()); });
}

void sample_ring::close()
{
    {
        std::lock_guard<std::mutex> lock(d_mutex);
        d_closed = true;
    }
    d_arrived.notify_all();
    d_idle.notify_all();
}

} // namespace gr::wfm
