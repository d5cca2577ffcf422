// SPDX-License-Identifier: GPL-3.0-or-later
#include "vrt/vrt_layout.h"
#include "vrt/vrt_packet.h"
#include <boost/endian/conversion.hpp>
#include <spdlog/fmt/fmt.h>

namespace gr::wfm {

using namespace vrt;
using boost::endian::load_big_u32;
using boost::endian::load_big_u64;

namespace {

// Words of the fields from bit 30 down to bit 10; those of 9 and 8 vary.
constexpr uint8_t field_words[] = { 1, 2, 2, 2, 2, 2, 1,  1,  1,  2, 2,
                                    1, 1, 2, 1, 2, 11, 11, 13, 13, 1 };
constexpr uint32_t ignored_in_formats = 1u << 31; // with these sizes both packings are one
constexpr uint32_t packing_of_pairs = 0x7CF;      // as some write ci16: a field for I and Q

double read_hertz(const uint8_t* at)
{
    return static_cast<double>(static_cast<int64_t>(load_big_u64(at))) / hertz;
}

std::string words(size_t count) { return std::to_string(count) + " words"; }

//! The words of one packet; asking for more than there are is a refusal.
class cursor
{
public:
    cursor(const uint8_t* at, size_t count) : d_at(at), d_left(count) {}

    const uint8_t* take(size_t count)
    {
        if (count > d_left)
            throw vrt_refused("size", "a packet's fields are longer than its size says");
        const uint8_t* const taken = d_at;
        d_at += 4 * count;
        d_left -= count;
        return taken;
    }
    size_t left() const { return d_left; }

private:
    const uint8_t* d_at;
    size_t d_left;
};

vrt_stamp read_stamp(uint32_t header, cursor& fields)
{
    const uint32_t tsi = header >> 22 & 3, tsf = header >> 20 & 3;
    const int64_t secs = tsi ? load_big_u32(fields.take(1)) : 0;
    const uint64_t fraction = tsf ? load_big_u64(fields.take(2)) : 0;
    if (tsf == tsf_picoseconds && fraction >= picoseconds_per_second)
        throw vrt_refused("time",
                          "a time stamp of " + std::to_string(fraction) +
                              " ps after the second: less than 10^12 are expected");
    if (tsi && tsf == tsf_picoseconds)
        return exact_time{ secs, fraction };
    if (tsf == tsf_free || (!tsi && tsf == tsf_sample_count))
        return fraction;
    return {};
}

vrt_format read_format(const uint8_t* at)
{
    uint32_t format = load_big_u32(at) | ignored_in_formats;
    if ((format & 0xFFFFF000) == (format_ci16 & 0xFFFFF000) &&
        (format & 0xFFF) == packing_of_pairs)
        format = format_ci16;
    if (load_big_u32(at + 4) == 0 && format == format_ci16)
        return vrt_format::ci16;
    if (load_big_u32(at + 4) == 0 && format == format_cf32)
        return vrt_format::cf32;
    throw vrt_refused("format",
                      fmt::format("payload format 0x{:016x}: complex IEEE 754 single "
                                  "precision or complex signed 16 bits is expected",
                                  load_big_u64(at)));
}

// What packets of both kinds begin with, after their header.
void read_prologue(uint32_t header, cursor& fields, vrt_prologue& prologue)
{
    prologue.packet_count = header >> 16 & 15;
    prologue.stream_id = load_big_u32(fields.take(1));
    if (header & class_included) {
        const uint32_t pad_bits = load_big_u32(fields.take(2)) >> 27;
        if (pad_bits)
            throw vrt_refused("padding",
                              std::to_string(pad_bits) + " pad bits: none are expected");
    }
    prologue.stamp = read_stamp(header, fields);
}

vrt_data read_data(uint32_t header, cursor fields)
{
    if (header & trailer_included)
        throw vrt_refused("trailer", "a data packet with a trailer: none is expected");
    if (header & spectrum)
        throw vrt_refused("spectrum", "a packet of a spectrum: samples are expected");
    vrt_data data;
    read_prologue(header, fields, data);
    data.payload_bytes = 4 * fields.left();
    data.payload = fields.take(fields.left());
    if (data.payload_bytes == 0)
        throw vrt_refused("empty", "a data packet without samples");
    return data;
}

vrt_context read_context(uint32_t header, cursor fields)
{
    vrt_context context;
    read_prologue(header, fields, context);
    const uint32_t cif = load_big_u32(fields.take(1));
    if (cif & (has_attributes | reserved_fields))
        throw vrt_refused("context fields",
                          "a context packet with reserved fields or attributes of "
                          "fields: plain ones are expected");
    context.changed = cif & has_change;
    for (uint32_t more = cif & has_more_cifs; more; more &= more - 1)
        fields.take(1);
    double rf_offset = 0;
    for (int bit = 30; bit >= 10; bit--) {
        const uint32_t field = 1u << bit;
        if (!(cif & field))
            continue;
        const uint8_t* const at = fields.take(field_words[30 - bit]);
        if (field == has_bandwidth)
            context.bandwidth = read_hertz(at);
        else if (field == has_rf_freq)
            context.rf_freq = read_hertz(at);
        else if (field == has_rf_offset)
            rf_offset = read_hertz(at);
        else if (field == has_sample_rate)
            context.sample_rate = read_hertz(at);
        else if (field == has_state)
            context.sample_loss = load_big_u32(at) & sample_loss_enabled &&
                                  load_big_u32(at) & sample_loss_indicated;
        else if (field == has_format)
            context.format = read_format(at);
    }
    if (!(cif & (variable_fields | has_more_cifs)) && fields.left() > 0)
        throw vrt_refused("size",
                          "a context packet of " + words(fields.left()) +
                              " more than its fields take");
    if (context.rf_freq)
        *context.rf_freq += rf_offset;
    if (context.sample_rate && !sample_clock::can_count(*context.sample_rate))
        throw vrt_refused("sample rate",
                          "sample rate " + std::to_string(*context.sample_rate) +
                              " Hz: 0.001 to 10^12 are expected");
    return context;
}

} // namespace

vrt_reader::type vrt_reader::next()
{
    if (d_left < 4)
        throw vrt_refused("size",
                          std::to_string(d_left) +
                              " bytes: a packet of whole words is expected");
    const uint32_t header = load_big_u32(d_bytes);
    const size_t size = 4 * (header & 0xFFFF);
    if (size < 8 || size > d_left)
        throw vrt_refused("size",
                          "a packet of " + words(size / 4) + " where there are " +
                              std::to_string(d_left) + " bytes");
    const cursor fields(d_bytes + 4, size / 4 - 1);
    d_bytes += size;
    d_left -= size;
    switch (header >> 28) {
    case type_data:
        d_data = read_data(header, fields);
        return type::data;
    case type_context:
        d_context = read_context(header, fields);
        return type::context;
    case type_extension_context: // DIFI 1.0: the version of the sender's software
        return type::other;
    }
    throw vrt_refused("type",
                      "a packet of type " + std::to_string(header >> 28) +
                          ": signal data with a stream id (1) or context (4) is expected");
}

} // namespace gr::wfm
