// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "vrt/sample_clock.h"
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

/*!
 * Packets of ANSI/VITA 49.2 (VRT) as the DIFI profile (IEEE-ISTO 4900) lays them
 * out: signal data packets with a stream id, and context packets. All numbers are
 * big-endian, sizes count words of 32 bits.
 */
namespace gr::wfm {

//! A packet or message that is not taken; refusals of one kind are logged once.
class vrt_refused : public std::runtime_error
{
public:
    //! kind: a literal
    vrt_refused(const char* kind, const std::string& sentence)
        : std::runtime_error(sentence), kind(kind)
    {
    }
    const char* const kind;
};

//! How samples lie in a payload.
enum class vrt_format {
    cf32, //!< IEEE 754 single precision, I then Q
    ci16, //!< signed 16 bits, I then Q, as in DIFI; 32768 is full scale (1.0)
};

size_t bytes_of_sample(vrt_format format);

//! Where a packet's first sample is: at a time; or, where none is known, at a free
//! running count of samples; or it is not said.
using vrt_stamp = std::variant<std::monostate, exact_time, uint64_t>;

//! What packets of both kinds begin with.
struct vrt_prologue {
    uint32_t stream_id = 0;
    uint8_t packet_count = 0; //!< modulo 16
    vrt_stamp stamp;
};

struct vrt_data : vrt_prologue {
    const uint8_t* payload = nullptr;
    size_t payload_bytes = 0;
};

struct vrt_context : vrt_prologue {
    bool changed = false;     //!< the context field change indicator
    bool sample_loss = false; //!< samples are missing in front of this stamp
    std::optional<double> bandwidth;   //!< Hz
    std::optional<double> rf_freq;     //!< Hz, with its offset if there is one
    std::optional<double> sample_rate; //!< Hz
    std::optional<vrt_format> format;

    //! Says all that samples need, so that a frequency that is not in it is unknown;
    //! others change what they name.
    bool complete() const { return sample_rate && format; }
};

/*!
 * \brief Takes packets, one after the other, out of bytes that an unknown sender sent.
 */
class vrt_reader
{
public:
    vrt_reader(const uint8_t* bytes, size_t size) : d_bytes(bytes), d_left(size) {}

    enum class type { data, context, other };

    bool at_end() const { return d_left == 0; }
    //! Read the next packet; of data and context packets data() or context() is set.
    //! \throws vrt_refused
    type next();
    const vrt_data& data() const { return d_data; }
    const vrt_context& context() const { return d_context; }

private:
    const uint8_t* d_bytes;
    size_t d_left;
    vrt_data d_data;
    vrt_context d_context;
};

//! Do a stream's packets conform to DIFI? They name it as their class then.
bool conforms_to_difi(vrt_format format, const vrt_stamp& stamp, bool has_rf_freq);

//! Bytes in front of the payload of a data packet.
size_t data_header_bytes(bool difi, const vrt_stamp& stamp);
size_t context_bytes(const vrt_context& context);
//! Write a data packet's header, payload_bytes (a multiple of 4) of which follow.
//! \returns behind it
uint8_t* write_data_header(uint8_t* to, const vrt_data& data, bool difi);
//! \returns behind the packet
uint8_t* write_context(uint8_t* to, const vrt_context& context);

//! The largest packet that the size field can tell.
constexpr size_t most_packet_bytes = 65535 * 4;

} // namespace gr::wfm
