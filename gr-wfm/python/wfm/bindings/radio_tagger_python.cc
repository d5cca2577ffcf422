// SPDX-License-Identifier: GPL-3.0-or-later
#include "block_class.h"
#include "radio/arrival_watch.h"
#include "radio/radio_failure.h"
#include <gnuradio/wfm/radio_tagger.h>

void bind_radio_tagger(py::module& m)
{
    using gr::wfm::arrival_watch;
    using gr::wfm::radio_tagger;
    const auto release = py::call_guard<py::gil_scoped_release>();
    block_class<radio_tagger>(
        m,
        "radio_tagger",
        "Right behind a radio: rx_time, rx_rate and rx_freq on the first sample and at "
        "every change or break, wfm_gap where about so many samples are missing. clock: "
        "the radio tags rx_time itself; watch: find losses that it does not tell by the "
        "host's clock. ValueError for a bad parameter.")
        .def(py::init(&radio_tagger::make),
             py::arg("channels"),
             py::arg("sample_rate"),
             py::arg("center_freqs"),
             py::arg("clock"),
             py::arg("watch"))
        .def("set_center_freqs",
             &radio_tagger::set_center_freqs,
             py::arg("center_freqs"),
             release,
             "The radio was tuned (Hz, one a channel): from its next sample on.")
        .def("set_center_freqs_at",
             &radio_tagger::set_center_freqs_at,
             py::arg("center_freqs"),
             py::arg("secs"),
             py::arg("frac"),
             release,
             "The radio will be tuned at this time of its clock.")
        .def("end", &radio_tagger::end, release, "End the stream.")
        .def("runs", &radio_tagger::runs)
        .def("ended", &radio_tagger::ended)
        .def("source_ended", &radio_tagger::source_ended)
        .def("clock", &radio_tagger::clock)
        .def("samples", &radio_tagger::samples)
        .def("waiting", &radio_tagger::waiting)
        .def("counters", &radio_tagger::counters);

    m.def("outlive_radio_failures",
          &gr::wfm::outlive_radio_failures,
          "From now on a USRP source whose device fails no longer ends the process.");
    m.def("radio_failure",
          &gr::wfm::radio_failure,
          "Why the last USRP source failed, or \"\".");

    py::class_<arrival_watch>(
        m,
        "arrival_watch",
        "What radio_tagger estimates losses by: the least delay of arriving samples.")
        .def(py::init<double>(), py::arg("sample_rate"))
        .def("arrived", &arrival_watch::arrived, py::arg("now"), py::arg("count"))
        .def("told", &arrival_watch::told, py::arg("now"), py::arg("count"))
        .def("set_rate", &arrival_watch::set_rate, py::arg("sample_rate"))
        .def("missing", &arrival_watch::missing);
}
