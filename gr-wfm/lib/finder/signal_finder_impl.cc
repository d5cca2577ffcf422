// SPDX-License-Identifier: GPL-3.0-or-later
#include "finder/signal_finder_impl.h"
#include "common/keys.h"
#include "common/parameter_check.h"
#include <algorithm>
#include <cmath>
#include <gnuradio/io_signature.h>

namespace gr::wfm {

namespace {

// The longest that work() sleeps, and so how soon a blocked finder sees a stop.
constexpr std::chrono::milliseconds nap(20);
constexpr std::chrono::seconds status_period(1);
// The stream thread must not be woken for every 4096 samples, as it would be with the
// scheduler's usual buffers. 1 MiB.
constexpr long output_buffer_samples = 128 * 1024;

pmt::pmt_t dict_of(const found_signal& signal)
{
    const bool known = !std::isnan(signal.info.rx_freq);
    const double middle = known ? signal.info.rx_freq : 0.0;
    pmt::pmt_t dict = pmt::make_dict();
    const auto add = [&dict](const pmt::pmt_t& key, const pmt::pmt_t& value) {
        dict = pmt::dict_add(dict, key, value);
    };
    add(keys::sample_start, pmt::from_uint64(signal.info.start));
    add(keys::sample_count, pmt::from_uint64(signal.sample_count));
    add(keys::freq_lower_edge, pmt::from_double(middle + signal.lower));
    add(keys::freq_upper_edge, pmt::from_double(middle + signal.upper));
    add(keys::snr_db, pmt::from_double(signal.snr_db));
    add(keys::level_dbfs, pmt::from_double(signal.level_dbfs));
    add(keys::cut, pmt::from_bool(signal.cut));
    add(keys::sample_rate, pmt::from_double(signal.info.rx_rate));
    if (const auto time = time_anchor::of(signal.info))
        add(keys::rx_time, time->value());
    if (known)
        add(keys::rx_freq, pmt::from_double(middle));
    return dict;
}

} // namespace

signal_finder::sptr signal_finder::make(double sample_rate,
                                        int fft_size,
                                        double false_alarms,
                                        double max_duration,
                                        double min_snr,
                                        int hold,
                                        const std::string& policy,
                                        bool extract,
                                        int slots)
{
    finder_parameters parameters{
        sample_rate, { fft_size, false_alarms, max_duration, min_snr },
        hold,        false,
        extract,     slots
    };
    parameters.check(policy);
    return gnuradio::make_block_sptr<signal_finder_impl>(parameters);
}

signal_finder_impl::signal_finder_impl(const finder_parameters& p)
    : gr::block("signal_finder",
                gr::io_signature::make(1, 1, sizeof(gr_complex)),
                gr::io_signature::make(1, 1, sizeof(gr_complex))),
      d_parameters(p),
      d_core(std::make_shared<finder_core>(p, d_counters)),
      // The last sample waits for the last frame's signals.
      d_path(*this, 1, std::max(p.hold, 1))
{
    // Not by set_min_output_buffer(), which writes a line to the log each time.
    d_min_output_buffer.assign(1, output_buffer_samples);
    set_tag_propagation_policy(TPP_CUSTOM);
    message_port_register_out(keys::signals);
    message_port_register_out(keys::status);
}

std::shared_ptr<finder_core> signal_finder_impl::core() const
{
    std::lock_guard<std::mutex> lock(d_core_mutex);
    return d_core;
}

bool signal_finder_impl::check_topology(int ninputs, int noutputs)
{
    d_path.forget_made_buffers(noutputs);
    return block::check_topology(ninputs, noutputs);
}

bool signal_finder_impl::start()
{
    if (d_path.begin()) { // after lock() and unlock()
        {
            std::lock_guard<std::mutex> lock(d_core_mutex);
            d_core = d_run;
        }
        d_run->go_on();
        d_counters.samples_before += d_path.left();
        d_counters.breaks++;
    } else {
        std::lock_guard<std::mutex> lock(d_renew_mutex);
        renew();
        d_run = core();
        d_counters.reset();
        d_runs++;
    }
    d_ending = false;
    d_run->attach(detail());
    d_base = static_cast<int64_t>(d_run->ring.written()) -
             static_cast<int64_t>(d_path.scanned());
    // The samples in the buffers are lost, with their tags: what they said is unknown.
    d_segment =
        std::make_unique<segment_tracker>(1, d_parameters.sample_rate, d_path.scanned());
    d_status_due = std::chrono::steady_clock::now() + status_period;
    if (d_path.room() <= d_path.hold())
        d_logger->error("the input buffer has room for {:d} samples, hold is {:d}: "
                        "do not limit the output buffer of the block before",
                        d_path.room(),
                        d_path.hold());
    return block::start();
}

bool signal_finder_impl::stop()
{
    d_run->finish();
    tell_reports();
    d_path.keep();
    publish_status();
    return block::stop();
}

void signal_finder_impl::forecast(int noutput_items, gr_vector_int& ninput_items_required)
{
    const bool at_end = d_path.ended();
    ninput_items_required[0] = d_path.needed(may_leave(at_end), at_end);
}

int signal_finder_impl::general_work(int noutput_items,
                                     gr_vector_int& ninput_items,
                                     gr_vector_const_void_star& input_items,
                                     gr_vector_void_star& output_items)
{
    if (d_path.room() <= d_path.hold() || d_ending)
        return WORK_DONE;
    // Seen first: what happens while we look counts as news.
    const uint64_t signals = d_run->signals();
    const size_t fresh = d_path.begin_scan(ninput_items, input_items);
    bool moved = fresh > 0 && scan(fresh) > 0;
    const bool at_end = d_path.ended();
    if (at_end)
        d_run->ring.end_piece();
    // Asked before the reports are collected: one that lets its signal's samples leave
    // has its tag among them.
    const int64_t limit = may_leave(at_end);
    tell_reports();
    size_t late = 0;
    const int produced =
        d_path.pass(limit, noutput_items, input_items, output_items, moved, late);
    d_counters.tags_late += late;
    d_counters.samples_out += produced;
    if (std::chrono::steady_clock::now() >= d_status_due)
        publish_status();
    if (!moved)
        d_run->wait_after(signals, nap);
    return produced;
}

// Look at new samples: tags, pieces. Returns how many could be taken.
size_t signal_finder_impl::scan(size_t fresh)
{
    size_t done = 0;
    while (done < fresh) {
        const uint64_t offset = d_path.scanned();
        if (d_path.note_tags(*d_segment))
            act_on(d_segment->commit(offset));
        if (!d_run->ring.piece_open()) {
            window_info info;
            info.start = offset;
            d_segment->describe(info);
            d_run->begin_piece(info);
        }
        const size_t count = d_path.untagged(fresh - done);
        const size_t taken = d_run->ring.put(d_path.input()[0] + done, count);
        d_path.advance(taken);
        done += taken;
        if (taken < count)
            break;
    }
    d_counters.samples_in += done;
    return done;
}

void signal_finder_impl::act_on(segment_tracker::change change)
{
    if (change == segment_tracker::change::none)
        return;
    d_run->ring.end_piece();
    d_counters.breaks++;
    d_counters.samples_lost += d_segment->lost();
    d_counters.samples_lost_estimated += d_segment->lost_about();
}

// The samples before this one may leave.
int64_t signal_finder_impl::may_leave(bool at_end)
{
    // At the end they wait for the signals of the last frame.
    const bool all = d_run->ring.all_read();
    const int64_t limit = d_path.may_leave(at_end && all);
    if (!d_parameters.lossless)
        return limit;
    // Asked in this order: a signal is outstanding before what lies after it is decided.
    const int64_t decided = static_cast<int64_t>(d_run->decided()) - d_base;
    const uint64_t outstanding = d_run->complete_to();
    const int64_t complete = outstanding == result_board::none
                                 ? limit
                                 : static_cast<int64_t>(outstanding) - d_base;
    return std::min(complete, all ? limit : std::min(limit, decided - d_path.hold()));
}

void signal_finder_impl::tell_reports()
{
    const pmt::pmt_t no_samples = pmt::make_c32vector(0, gr_complex(0));
    for (const report& told : d_run->collect()) {
        const pmt::pmt_t dict = dict_of(told.signal);
        message_port_pub(keys::signals, pmt::cons(dict, no_samples));
        d_path.add({ told.position - d_base, { { keys::signal, dict } } });
    }
    for (const placed_tags& result : d_run->collect_results())
        d_path.add(result, d_base);
}

void signal_finder_impl::publish_status()
{
    d_status_due = std::chrono::steady_clock::now() + status_period;
    pmt::pmt_t dict = pmt::make_dict();
    for (const auto& [name, value] : counters())
        dict = pmt::dict_add(dict, pmt::intern(name), pmt::from_uint64(value));
    message_port_pub(keys::status, dict);
}

bool signal_finder_impl::take(int most,
                              int timeout_ms,
                              std::vector<found_signal::sptr>& signals)
{
    parameter_check("take")(most >= 1, "most", most, "1 or more");
    return core()->queue.take(most,
                              std::chrono::milliseconds(std::max(timeout_ms, 0)),
                              signals) != signal_queue::outcome::none_yet;
}

void signal_finder_impl::await_results()
{
    d_awaits = true;
    core()->await_results();
}

void signal_finder_impl::complete(const std::vector<found_signal::sptr>& signals,
                                  const std::vector<tag_list>& tags)
{
    parameter_check("complete")(tags.empty() || tags.size() == signals.size(),
                                "tags",
                                tags.size(),
                                "one list for each signal");
    core()->complete(signals, tags);
}

void signal_finder_impl::end(bool drain)
{
    if (!drain)
        core()->abandon_results();
    d_ending = true;
    core()->signal();
}

void signal_finder_impl::open()
{
    std::lock_guard<std::mutex> lock(d_renew_mutex);
    // A run may have been over before its taker came: what it has found is his.
    if (d_opened)
        renew();
    d_opened = true;
}

// With d_renew_mutex locked: who takes and who runs may come at once.
void signal_finder_impl::renew()
{
    if (core()->finished()) {
        const auto next = std::make_shared<finder_core>(d_parameters, d_counters);
        if (d_awaits)
            next->await_results();
        std::lock_guard<std::mutex> lock(d_core_mutex);
        d_core = next;
        d_opened = false;
    }
}

std::map<std::string, uint64_t> signal_finder_impl::counters() const
{
    auto counts = d_counters.values();
    counts["queue_depth"] = core()->queue.waiting();
    return counts;
}

uint64_t signal_finder_impl::memory() const
{
    return finding::band_finder::memory(d_parameters.sample_rate, d_parameters.settings);
}

} // namespace gr::wfm
