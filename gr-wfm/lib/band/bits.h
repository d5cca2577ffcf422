// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gr::wfm::finding {

constexpr size_t word_bits = 64;

// Bytes that are 1 or 0 to bits; the words begin as 0. `over` has a multiple of 8 bytes.
inline void pack(const uint8_t* over, size_t size, uint64_t* words)
{
    for (size_t i = 0; i < size; i += 8) {
        uint64_t eight;
        std::memcpy(&eight, over + i, 8);
        // Byte k times 2^(56 - 7k) has its bit at 56 + k, and no two meet.
        const uint64_t packed = eight * 0x0102040810204080 >> 56;
        words[i / word_bits] |= packed << i % word_bits;
    }
}

// The bits of three rows together, each grown by one on both sides.
inline void
grow(const uint64_t* const rows[3], size_t words, size_t size, uint64_t* grown)
{
    const auto marked = [&](size_t i) { return rows[0][i] | rows[1][i] | rows[2][i]; };
    uint64_t before = 0, now = marked(0);
    for (size_t i = 0; i < words; i++) {
        const uint64_t next = i + 1 < words ? marked(i + 1) : 0;
        grown[i] = now | now << 1 | now >> 1 | before >> (word_bits - 1) |
                   next << (word_bits - 1);
        before = now;
        now = next;
    }
    if (size % word_bits)
        grown[words - 1] &= (uint64_t(1) << size % word_bits) - 1;
}

// Calls for each stretch of bits that are set, with the first and the last + 1.
template <typename function>
void for_each_run(const uint64_t* words, size_t count, function call)
{
    constexpr size_t none = SIZE_MAX;
    size_t first = none; // of a stretch that goes on
    for (size_t i = 0; i < count; i++) {
        uint64_t word = words[i];
        size_t at = 0;
        if (first != none) {
            if (word == ~uint64_t(0))
                continue;
            at = __builtin_ctzll(~word);
            call(first, i * word_bits + at);
            first = none;
            word &= ~uint64_t(0) << at;
        }
        while (word) {
            at = __builtin_ctzll(word);
            const uint64_t clear = ~word & ~uint64_t(0) << at;
            if (!clear) {
                first = i * word_bits + at;
                break;
            }
            const size_t end = __builtin_ctzll(clear);
            call(i * word_bits + at, i * word_bits + end);
            word &= ~uint64_t(0) << end;
        }
    }
    if (first != none)
        call(first, count * word_bits);
}

// Calls for each bit that is set from `first` to before `last`.
template <typename function>
void for_each_bit(const uint64_t* words, size_t first, size_t last, function call)
{
    for (size_t i = first / word_bits; i * word_bits < last; i++) {
        uint64_t word = words[i];
        if (i == first / word_bits)
            word &= ~uint64_t(0) << first % word_bits;
        if (last - i * word_bits < word_bits)
            word &= (uint64_t(1) << (last - i * word_bits)) - 1;
        for (; word; word &= word - 1)
            call(i * word_bits + __builtin_ctzll(word));
    }
}

} // namespace gr::wfm::finding
