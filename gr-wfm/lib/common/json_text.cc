// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/json_text.h"
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <stdexcept>

namespace gr {
namespace wfm {

namespace {

// The index behind the string that starts at the quote `at`.
size_t behind_string(const std::string& text, size_t at)
{
    for (size_t i = at + 1; i < text.size(); i++) {
        if (text[i] == '\\')
            i++;
        else if (text[i] == '"')
            return i + 1;
    }
    return text.size();
}

size_t behind_space(const std::string& text, size_t at)
{
    const size_t next = text.find_first_not_of(" \t\r\n", at);
    return next == std::string::npos ? text.size() : next;
}

// The bracket that closes the object or array that is open at `at`.
size_t closing(const std::string& text, size_t at)
{
    int depth = 0;
    for (size_t i = at; i < text.size();) {
        if (text[i] == '"') {
            i = behind_string(text, i);
            continue;
        }
        if (text[i] == '[' || text[i] == '{')
            depth++;
        if ((text[i] == ']' || text[i] == '}') && --depth == 0)
            return i;
        i++;
    }
    return std::string::npos;
}

// The opening bracket of the array that is the value of `key`, at the top level.
size_t opening(const std::string& text, const std::string& key)
{
    const std::string quoted = json_string(key);
    size_t i = behind_space(text, 0);
    if (i >= text.size() || text[i] != '{')
        return std::string::npos;
    for (i++; i < text.size();) {
        if (text[i] == '"') {
            const size_t end = behind_string(text, i);
            const size_t colon = behind_space(text, end);
            const bool found = text.compare(i, end - i, quoted) == 0 &&
                               colon < text.size() && text[colon] == ':';
            i = end;
            const size_t value = found ? behind_space(text, colon + 1) : text.size();
            if (value < text.size() && text[value] == '[')
                return value;
        } else if (text[i] == '[' || text[i] == '{') {
            const size_t end = closing(text, i);
            if (end == std::string::npos)
                return end;
            i = end + 1;
        } else {
            i++;
        }
    }
    return std::string::npos;
}

} // namespace

bool is_utf8(const std::string& text)
{
    // The least code point that needs 0, 1, 2, 3 bytes after the first.
    constexpr std::array<uint32_t, 4> least{ 0, 0x80, 0x800, 0x10000 };
    for (size_t i = 0; i < text.size();) {
        const auto first = static_cast<unsigned char>(text[i++]);
        const int more = first < 0x80             ? 0
                         : (first & 0xe0) == 0xc0 ? 1
                         : (first & 0xf0) == 0xe0 ? 2
                         : (first & 0xf8) == 0xf0 ? 3
                                                  : -1;
        if (more < 0)
            return false;
        uint32_t code = more == 0 ? first : first & (0x3f >> more);
        for (int k = 0; k < more; k++, i++) {
            if (i >= text.size() || (text[i] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (text[i] & 0x3f);
        }
        const bool surrogate = code >= 0xd800 && code < 0xe000;
        if (code < least[more] || surrogate || code > 0x10ffff)
            return false;
    }
    return true;
}

std::string json_string(const std::string& text)
{
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof(escape), "\\u%04x", c);
            quoted += escape;
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

std::string json_number(double value)
{
    std::array<char, 32> digits;
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return std::string(digits.data(), end);
}

std::string
with_entry(const std::string& document, const std::string& key, const std::string& entry)
{
    const size_t open = opening(document, key);
    const size_t close =
        open == std::string::npos ? std::string::npos : closing(document, open);
    if (close == std::string::npos)
        throw std::runtime_error("has no array " + json_string(key));
    const size_t last = document.find_last_not_of(" \t\r\n", close - 1);
    const bool empty = last == open;
    return document.substr(0, last + 1) + (empty ? "" : ",") + "\n    " + entry + "\n  " +
           document.substr(close);
}

} // namespace wfm
} // namespace gr
