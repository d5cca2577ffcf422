// SPDX-License-Identifier: GPL-3.0-or-later
#include "vrt/vrt_layout.h"
#include "vrt/vrt_packet.h"
#include <boost/endian/conversion.hpp>
#include <cmath>

namespace gr::wfm {

using namespace vrt;

namespace {

uint8_t* put(uint8_t* to, uint32_t value)
{
    boost::endian::store_big_u32(to, value);
    return to + sizeof value;
}

uint8_t* put_two(uint8_t* to, uint64_t value)
{
    boost::endian::store_big_u64(to, value);
    return to + sizeof value;
}

uint8_t* put_hertz(uint8_t* to, double value)
{
    return put_two(to, static_cast<uint64_t>(std::llround(value * hertz)));
}

} // namespace

size_t bytes_of_sample(vrt_format format) { return format == vrt_format::cf32 ? 8 : 4; }

bool conforms_to_difi(vrt_format format, const vrt_stamp& stamp, bool has_rf_freq)
{
    return format == vrt_format::ci16 && std::holds_alternative<exact_time>(stamp) &&
           has_rf_freq;
}

namespace {

size_t stamp_bytes(const vrt_stamp& stamp)
{
    constexpr size_t bytes[] = { 0, 12, 8 }; // of none, a time, a count
    return bytes[stamp.index()];
}

// Header, stream id, class id and time stamp.
uint8_t* write_prologue(uint8_t* to,
                        uint32_t header,
                        size_t packet_bytes,
                        std::optional<uint32_t> difi_class,
                        const vrt_prologue& packet)
{
    const auto* const time = std::get_if<exact_time>(&packet.stamp);
    const auto* const count = std::get_if<uint64_t>(&packet.stamp);
    header |= difi_class ? class_included : 0;
    header |= time ? tsi_utc << 22 | tsf_picoseconds << 20 : count ? tsf_free << 20 : 0;
    header |= (packet.packet_count & 15u) << 16;
    to = put(to, header | static_cast<uint32_t>(packet_bytes / 4));
    to = put(to, packet.stream_id);
    if (difi_class)
        to = put(put(to, difi_oui), *difi_class);
    if (time)
        to = put_two(put(to, static_cast<uint32_t>(time->secs)), time->picoseconds);
    return count ? put_two(to, *count) : to;
}

bool is_difi(const vrt_context& context)
{
    return conforms_to_difi(*context.format, context.stamp, context.rf_freq.has_value());
}

} // namespace

size_t data_header_bytes(bool difi, const vrt_stamp& stamp)
{
    return 8 + (difi ? 8 : 0) + stamp_bytes(stamp);
}

size_t context_bytes(const vrt_context& context)
{
    return data_header_bytes(is_difi(context), context.stamp) + 72 +
           (context.rf_freq ? 8 : 0);
}

uint8_t* write_data_header(uint8_t* to, const vrt_data& data, bool difi)
{
    const size_t bytes = data_header_bytes(difi, data.stamp) + data.payload_bytes;
    const auto own_class = difi ? std::optional<uint32_t>(difi_data_class) : std::nullopt;
    return write_prologue(to, type_data << 28, bytes, own_class, data);
}

uint8_t* write_context(uint8_t* to, const vrt_context& context)
{
    const auto own_class =
        is_difi(context) ? std::optional<uint32_t>(difi_context_class) : std::nullopt;
    to = write_prologue(to,
                        type_context << 28 | coarse_stamps,
                        context_bytes(context),
                        own_class,
                        context);
    to = put(to,
             difi_fields | (context.changed ? has_change : 0) |
                 (context.rf_freq ? has_rf_freq : 0));
    to = put(to, difi_reference_point);
    to = put_hertz(to, context.bandwidth.value_or(*context.sample_rate));
    to = put_two(to, 0); // IF reference frequency: baseband
    if (context.rf_freq)
        to = put_hertz(to, *context.rf_freq);
    to = put_two(to, 0); // IF band offset
    to = put(to, 0);     // reference level: not calibrated
    to = put(to, 0);     // gain, which DIFI leaves at 0
    to = put_hertz(to, *context.sample_rate);
    to = put_two(to, 0); // time stamp adjustment
    to = put(to, 0);     // time of the clock's last calibration
    to = put(to, sample_loss_enabled | (context.sample_loss ? sample_loss_indicated : 0));
    to = put(to, *context.format == vrt_format::ci16 ? format_ci16 : format_cf32);
    return put(to, 0);
}

} // namespace gr::wfm
