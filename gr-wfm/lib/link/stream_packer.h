// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "common/channel_tags.h"
#include "link/packet_link.h"
#include "vrt/vrt_packet.h"
#include <gnuradio/gr_complex.h>
#include <optional>
#include <variant>
#include <vector>

namespace gr::wfm {

/*!
 * \brief Makes packets of N coherent streams, and follows their tags rx_time,
 * rx_rate, rx_freq, wfm_lost and wfm_gap.
 *
 * Context packets go out at the start of each interval, and where a tag says
 * something new, at its very sample.
 */
class stream_packer
{
public:
    //! stream_id: of channel 0; the others follow. sample_rate in Hz.
    stream_packer(size_t channels,
                  double sample_rate,
                  vrt_format format,
                  uint32_t stream_id,
                  size_t most_message_bytes);

    /*!
     * \brief Send an interval.
     *
     * \param sender where its packets go
     * \param first number of its first sample
     * \param samples of each channel
     * \param inputs one pointer a channel, to that sample
     * \param tags those of these samples, sorted by sample
     */
    void send(packet_sender& sender,
              uint64_t first,
              size_t samples,
              const std::vector<const gr_complex*>& inputs,
              const std::vector<channel_tag>& tags);

    //! Samples are missing here, as many as nobody knows, and their numbers may start
    //! again: time is unknown until a tag says it.
    void interrupt();

    //! Tags whose value said nothing that can be sent.
    uint64_t tags_ignored() const { return d_tags_ignored; }

private:
    struct anchor {
        uint64_t sample;
        exact_time time;
    };

    //! What one sample's tags said.
    struct news {
        bool time = false;
        bool rate = false;
        bool same_rate = false;
        uint64_t lost = 0;
        bool estimated = false;
    };

    //! A planned packet of samples.
    struct data_packet : vrt_data {
        bool difi = false;
        const gr_complex* from = nullptr;
        size_t samples = 0;
    };

    void note(size_t channel, const tag_t& tag, news& said);
    bool take_time(const tag_t& tag);
    void settle(uint64_t sample, const news& said);
    vrt_stamp stamp(uint64_t sample) const;
    void add_piece(packet_sender& sender,
                   uint64_t first,
                   size_t offset,
                   size_t samples,
                   const std::vector<const gr_complex*>& inputs);
    vrt_context next_context(size_t channel, const vrt_stamp& at);
    void flush(packet_sender& sender);

    const size_t d_channels;
    const vrt_format d_format;
    const uint32_t d_stream_id;
    const size_t d_most_message_bytes;

    sample_clock d_clock;
    std::optional<anchor> d_time;
    uint64_t d_count_shift = 0; //!< counted samples that never came
    uint64_t d_next_count = 0;  //!< after the last sample
    bool d_interrupted = false;
    std::vector<std::optional<double>> d_freqs;
    bool d_sample_loss = false; //!< in front of the next piece, as many as nobody knows

    std::vector<uint8_t> d_data_counts, d_context_counts; //!< one a channel
    bool d_any_sent = false;
    double d_rate_sent = 0;
    std::vector<std::optional<double>> d_freqs_sent;
    std::vector<std::variant<vrt_context, data_packet>> d_packets; //!< planned
    size_t d_planned_bytes = 0;
    uint64_t d_tags_ignored = 0;
};

} // namespace gr::wfm
