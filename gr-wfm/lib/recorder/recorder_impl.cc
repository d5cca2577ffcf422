// SPDX-License-Identifier: GPL-3.0-or-later
// The stream's side, and the thread; messages are in recorder_control.cc.
#include "recorder/recorder_impl.h"
#include "common/keys.h"
#include <algorithm>
#include <gnuradio/io_signature.h>

namespace gr::wfm {

namespace {

// A radio's time below it counts from when the radio started, and is no date.
constexpr int64_t clock_not_set = 365 * 86400;
// Whatever a tag says, SigMF holds an index of 2^63 - 1 at most.
constexpr uint64_t most_lost = uint64_t(1) << 62;

} // namespace

recorder::sptr recorder::make(int channels,
                              double sample_rate,
                              const std::string& folder,
                              const std::string& prefix,
                              const std::string& label,
                              bool recording,
                              double pre_trigger,
                              double rotate_mb,
                              const std::string& datatype,
                              double queue)
{
    const recorder_parameters parameters{ channels, sample_rate, folder,      prefix,
                                          label,    recording,   pre_trigger, rotate_mb,
                                          datatype, queue };
    parameters.check();
    return gnuradio::make_block_sptr<recorder_impl>(parameters);
}

recorder_impl::recorder_impl(const recorder_parameters& p)
    : gr::sync_block("recorder",
                     gr::io_signature::make(p.channels, p.channels, sizeof(gr_complex)),
                     gr::io_signature::make(0, 0, 0)),
      d_parameters(p),
      d_thread(std::make_shared<writer_thread>(
          p,
          [this](const recording_event& e) { tell(e); },
          [this] { publish_status(); })),
      d_ring(d_thread->ring),
      d_counters(d_thread->counters),
      d_input(p.channels),
      d_label(p.label),
      d_wanted(p.recording)
{
    message_port_register_out(keys::events);
    message_port_register_out(keys::status);
    message_port_register_in(keys::control);
    set_msg_handler(keys::control,
                    [this](const pmt::pmt_t& message) { on_control(message); });
    message_port_register_in(keys::trigger);
    set_msg_handler(keys::trigger,
                    [this](const pmt::pmt_t& message) { on_trigger(message); });
}

recorder_impl::~recorder_impl() { d_thread->forget(); }

bool recorder_impl::start()
{
    // After lock() and unlock(), too: samples are counted from 0 again, and those in the
    // buffers are lost, with their tags.
    d_segment = std::make_unique<segment_tracker>(
        d_parameters.channels, d_parameters.sample_rate, 0);
    d_host.reset();
    d_radio_start.reset();
    d_lost = 0;
    d_aligned = true;
    d_ring.end_segment();
    if (d_wanted)
        obey({ { "start", "" } });
    d_thread->begin();
    return gr::sync_block::start();
}

bool recorder_impl::stop()
{
    const bool wanted = recording();
    if (wanted)
        obey({ { "stop", "" } });
    d_wanted = wanted;
    if (const std::string sentence = d_thread->end(); !sentence.empty())
        tell_left_behind(sentence);
    publish_status();
    return gr::sync_block::stop();
}

int recorder_impl::work(int noutput_items,
                        gr_vector_const_void_star& input_items,
                        gr_vector_void_star& output_items)
{
    for (size_t i = 0; i < d_input.size(); i++)
        d_input[i] = static_cast<const gr_complex*>(input_items[i]);
    const uint64_t first = nitems_read(0);
    const size_t count = noutput_items;
    read_tags(*this, first, first + count, segment_tracker::follows, d_arrived);
    size_t next_tag = 0;
    for (size_t done = 0; done < count;) {
        next_tag = apply_tags(next_tag, first + done);
        const size_t end =
            next_tag < d_arrived.size() ? d_arrived[next_tag].tag.offset - first : count;
        store(first + done, done, end - done);
        done = end;
    }
    d_counters.samples_in += count;
    return count;
}

// Apply the tags of the sample at offset; returns the first of the others.
size_t recorder_impl::apply_tags(size_t next, uint64_t offset)
{
    const size_t before = next;
    for (; next < d_arrived.size() && d_arrived[next].tag.offset == offset; next++)
        d_segment->note(d_arrived[next].channel, d_arrived[next].tag);
    if (next == before)
        return next;
    using change = segment_tracker::change;
    const change what = d_segment->commit(offset);
    d_lost = std::min(d_lost + std::min(d_segment->lost_told(), most_lost), most_lost);
    if (what == change::stop)
        d_logger->warn("the channels' rx_freq, rx_rate or rx_time tags disagree: nothing "
                       "is recorded until they agree");
    if (what == change::stop || what == change::resume)
        d_aligned = what == change::resume;
    if (d_segment->resumed())
        d_host.reset(); // the samples before do not tell the time of these
    if (what != change::none)
        d_ring.end_segment();
    return next;
}

void recorder_impl::store(uint64_t offset, size_t in_buffer, size_t count)
{
    if (!d_aligned) {
        d_counters.samples_unaligned += count;
        return;
    }
    for (size_t done = 0; done < count;) {
        if (!d_ring.segment_open())
            d_ring.begin_segment(describe(offset + done));
        const size_t stored = d_ring.put(d_input, in_buffer + done, count - done);
        if (stored == 0) {
            d_counters.samples_dropped += count - done;
            d_ring.end_segment();
            return;
        }
        done += stored;
    }
}

// A time is always stated: without it a reader would not see that samples are missing.
window_info recorder_impl::describe(uint64_t offset)
{
    window_info info;
    info.start = offset;
    info.lost = d_lost;
    d_segment->describe(info);
    std::optional<time_anchor> time = time_anchor::of(info);
    if (!time) {
        if (!d_host)
            d_host = time_anchor::host(offset);
        time = d_host->at(offset, info.rx_rate);
    } else if (info.rx_time_secs < clock_not_set) {
        if (!d_radio_start)
            d_radio_start =
                time_anchor{ 0, 0, time_anchor::host(offset).since(*time) }.at(0, 1);
        // Whole seconds apart, to keep the precision.
        time->secs += d_radio_start->secs;
        time->frac += d_radio_start->frac;
        time = time->at(offset, info.rx_rate);
    }
    time->state_in(info);
    return info;
}

void recorder_impl::tell_left_behind(const std::string& sentence)
{
    d_counters.failures++;
    std::string text = sentence;
    {
        std::lock_guard<std::mutex> lock(d_text_mutex);
        text = (d_path.empty() ? d_parameters.folder : d_path) + ": " + sentence;
        d_error = text;
    }
    d_logger->error(text);
    publish_event("error", keys::text, text);
}

void recorder_impl::publish_event(const std::string& kind,
                                  const pmt::pmt_t& key,
                                  const std::string& text,
                                  const pmt::pmt_t& more)
{
    pmt::pmt_t dict = pmt::dict_add(more, keys::event, pmt::intern(kind));
    message_port_pub(keys::events, pmt::dict_add(dict, key, pmt::intern(text)));
}

void recorder_impl::tell(const recording_event& event)
{
    const bool failed = event.kind == "error";
    if (failed) {
        // Of that start alone: a later one may wait behind it, and will be written.
        uint64_t of_it = 2 * event.start + 1;
        d_session.compare_exchange_strong(of_it, 2 * event.start);
        d_logger->error("the recording ended: {:s}", event.text);
    }
    {
        std::lock_guard<std::mutex> lock(d_text_mutex);
        if (failed)
            d_error = event.text;
        else
            d_path = event.kind == "begin" ? event.text : "";
    }
    pmt::pmt_t more = pmt::make_dict();
    if (!failed) {
        more = pmt::dict_add(more, keys::label, pmt::intern(event.label));
        more =
            pmt::dict_add(more, keys::sample_start, pmt::from_uint64(event.sample_start));
    }
    if (event.kind == "end")
        more =
            pmt::dict_add(more, keys::sample_count, pmt::from_uint64(event.sample_count));
    publish_event(event.kind, failed ? keys::text : keys::path, event.text, more);
}

void recorder_impl::publish_status()
{
    pmt::pmt_t dict = pmt::make_dict();
    for (const auto& [name, value] : d_counters.values())
        dict = pmt::dict_add(dict, pmt::intern(name), pmt::from_uint64(value));
    dict = pmt::dict_add(dict, keys::recording, pmt::from_bool(recording()));
    {
        std::lock_guard<std::mutex> lock(d_text_mutex);
        dict = pmt::dict_add(dict, keys::path, pmt::intern(d_path));
        dict = pmt::dict_add(dict, keys::error, pmt::intern(d_error));
    }
    message_port_pub(keys::status, dict);
}

} // namespace gr::wfm
