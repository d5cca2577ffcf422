// SPDX-License-Identifier: GPL-3.0-or-later
// What a recorder is told, by messages and by other threads.
#include "common/keys.h"
#include "recorder/recorder_impl.h"
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace gr::wfm {

namespace {

constexpr const char* wanted =
    "a dict or pair with start (true or a label), stop (true), label, annotate (texts)";

constexpr size_t longest_shown = 60;

// The begin of a text, in quotes; a character that is cut is left out.
std::string shown(const std::string& text)
{
    if (!is_utf8(text))
        return "a text that is not UTF-8";
    using nlohmann::json;
    return json(text.substr(0, longest_shown))
               .dump(-1, ' ', false, json::error_handler_t::ignore) +
           (text.size() > longest_shown ? "..." : "");
}

// A message's value in a few words: it may be as deep and as long as its sender likes.
std::string shown(const pmt::pmt_t& value)
{
    if (pmt::is_symbol(value))
        return shown(pmt::symbol_to_string(value));
    if (pmt::is_bool(value) || pmt::is_number(value))
        return pmt::write_string(value);
    return pmt::is_null(value)             ? "nil"
           : pmt::is_dict(value)           ? "a dict"
           : pmt::is_pair(value)           ? "a pair"
           : pmt::is_tuple(value)          ? "a tuple"
           : pmt::is_vector(value)         ? "a vector"
           : pmt::is_uniform_vector(value) ? "a vector of numbers"
                                           : "something else";
}

// The text of a label or comment; "" for true.
std::string checked_order(const std::string& key, const pmt::pmt_t& value)
{
    const bool known =
        key == "start" || key == "stop" || key == "label" || key == "annotate";
    const bool text = pmt::is_symbol(value) && key != "stop";
    const bool yes =
        pmt::is_true(value) && pmt::is_bool(value) && (key == "start" || key == "stop");
    if (!known || !(text || yes))
        throw std::invalid_argument("control message " + shown(key) + " with " +
                                    shown(value) + ", expected: " + wanted);
    if (!text)
        return "";
    const std::string found = pmt::symbol_to_string(value);
    check_label(found);
    return found;
}

std::map<std::string, std::string> read_orders(const pmt::pmt_t& message)
{
    std::map<std::string, std::string> orders;
    const auto add = [&orders](const pmt::pmt_t& key, const pmt::pmt_t& value) {
        if (!pmt::is_symbol(key))
            throw std::invalid_argument("control message with the key " + shown(key) +
                                        ", expected: " + wanted);
        const std::string name = pmt::symbol_to_string(key);
        const std::string text = checked_order(name, value);
        if (name == "start" && !text.empty())
            orders["label"] = text;
        orders[name] = text;
    };
    if (pmt::is_pair(message) && pmt::is_symbol(pmt::car(message))) {
        add(pmt::car(message), pmt::cdr(message));
    } else if (pmt::is_dict(message)) {
        for (pmt::pmt_t items = pmt::dict_items(message); pmt::is_pair(items);
             items = pmt::cdr(items))
            add(pmt::caar(items), pmt::cdar(items));
    }
    if (orders.empty() || (orders.count("start") && orders.count("stop")))
        throw std::invalid_argument("control message, " + shown(message) +
                                    ", expected: " + wanted + ", not start with stop");
    return orders;
}

std::string text_of(const pmt::pmt_t& dict, const pmt::pmt_t& key)
{
    const pmt::pmt_t value = pmt::dict_ref(dict, key, pmt::PMT_NIL);
    if (!pmt::is_symbol(value))
        throw std::invalid_argument("trigger without " + pmt::symbol_to_string(key) +
                                    ", expected: an event of an event tracker");
    return pmt::symbol_to_string(value);
}

} // namespace

void recorder_impl::on_control(const pmt::pmt_t& message)
{
    try {
        obey(read_orders(message));
    } catch (const std::exception& error) {
        refuse(error.what());
    }
}

void recorder_impl::on_trigger(const pmt::pmt_t& message)
{
    try {
        if (!pmt::is_dict(message))
            throw std::invalid_argument("trigger, " + shown(message) +
                                        ", expected: an event of an event tracker");
        const std::string event = text_of(message, keys::event);
        const std::string label = text_of(message, keys::label);
        check_label(label);
        if (event == "begin")
            obey({ { "label", label }, { "start", "" } });
        else if (event == "end")
            obey({ { "stop", "" } });
        else
            throw std::invalid_argument("trigger event " + shown(event) +
                                        ", expected: begin or end");
    } catch (const std::exception& error) {
        refuse(error.what());
    }
}

// In this order, whatever the message's.
void recorder_impl::obey(const std::map<std::string, std::string>& orders)
{
    using kind = capture_command::kind;
    if (const auto label = orders.find("label"); label != orders.end()) {
        d_label = label->second;
        if (recording())
            d_ring.push(kind::label, d_label);
    }
    if (orders.count("start") && !recording()) {
        d_session += 3;                    // the next number, and recording
        d_ring.push(kind::start, d_label); // which thus holds for the pre-trigger, too
    }
    if (const auto note = orders.find("annotate"); note != orders.end())
        d_ring.push(kind::note, note->second);
    if (orders.count("stop") && recording()) {
        d_session &= ~uint64_t(1);
        d_ring.push(kind::stop);
    }
}

void recorder_impl::refuse(const std::string& why)
{
    d_counters.refused++;
    d_logger->error(why);
    publish_event("refused", keys::text, why);
}

void recorder_impl::set_recording(bool recording)
{
    _post(keys::control, pmt::cons(recording ? keys::start : keys::stop, pmt::PMT_T));
}

void recorder_impl::set_label(const std::string& label)
{
    check_label(label);
    _post(keys::control, pmt::cons(keys::label, pmt::intern(label)));
}

void recorder_impl::annotate(const std::string& text)
{
    check_label(text);
    _post(keys::control, pmt::cons(keys::annotate, pmt::intern(text)));
}

} // namespace gr::wfm
