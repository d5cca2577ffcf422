// SPDX-License-Identifier: GPL-3.0-or-later
#include "block_class.h"
#include <gnuradio/wfm/sample_publisher.h>
#include <gnuradio/wfm/sample_subscriber.h>

namespace {

py::dict publisher_status(const gr::wfm::sample_publisher& publisher)
{
    py::dict status;
    status["samples_out"] = publisher.samples_sent();
    status["tags_ignored"] = publisher.tags_ignored();
    status["ended"] = publisher.ended();
    return status;
}

py::dict subscriber_status(const gr::wfm::sample_subscriber& subscriber)
{
    py::dict status = py::cast(subscriber.counters());
    // what it quotes may be anything
    const std::string why = subscriber.last_refusal();
    status["last_refusal"] = py::reinterpret_steal<py::str>(
        PyUnicode_DecodeUTF8(why.data(), why.size(), "replace"));
    return status;
}

} // namespace

void bind_sample_link(py::module& m)
{
    using gr::wfm::sample_publisher;
    using gr::wfm::sample_subscriber;
    // A socket that closes may wait a moment for its last messages.
    const auto release = py::call_guard<py::gil_scoped_release>();
    block_class<sample_publisher, gr::sync_block>(
        m,
        "sample_publisher",
        "Sends N coherent streams as packets of VITA 49.2: a message of ZeroMQ for each "
        "interval, or datagrams of one packet. It never waits. ValueError for a bad "
        "parameter, RuntimeError for an address that cannot be had.")
        .def(py::init(&sample_publisher::make),
             py::arg("address"),
             py::arg("channels"),
             py::arg("sample_rate"),
             py::arg("interval"),
             py::arg("high_water_mark"),
             py::arg("sample_format") = "cf32",
             py::arg("datagram_bytes") = 1472,
             py::arg("stream_id") = 0,
             release)
        .def("samples_sent",
             &sample_publisher::samples_sent,
             "Samples of each channel that went out, whether anybody listened or not.")
        .def("finish",
             &sample_publisher::finish,
             "Take no more samples, so that the stream ends.")
        .def("ended",
             &sample_publisher::ended,
             "Whether the stream has ended; the flowgraph goes on while others of its "
             "blocks do.")
        .def("status",
             &publisher_status,
             "samples_out; tags_ignored, whose values could not be sent; ended.");
    block_class<sample_subscriber, gr::sync_block>(
        m,
        "sample_subscriber",
        "The N streams of a sample_publisher, or of another sender of VITA 49.2, with "
        "rx_time, rx_rate and rx_freq. What is malformed is refused and counted. "
        "ValueError for a bad parameter, RuntimeError for an address that cannot be had.")
        .def(py::init(&sample_subscriber::make),
             py::arg("address"),
             py::arg("channels"),
             py::arg("high_water_mark"),
             py::arg("stream_id") = 0,
             release)
        .def(
            "status",
            &subscriber_status,
            "packets_in; refused (messages) and last_refusal; samples_out, samples_lost, "
            "samples_lost_estimated (of each channel); incomplete, intervals of which a "
            "channel did not come; without_context, packets that came before it.");
}
