// SPDX-License-Identifier: GPL-3.0-or-later
#include "block_class.h"
#include <gnuradio/wfm/frame_sink.h>

void bind_frame_sink(py::module& m)
{
    using gr::wfm::frame_sink;
    block_class<frame_sink, gr::sync_block>(
        m,
        "frame_sink",
        "N complex streams into one file of ci16_le samples, channels interleaved, full "
        "scale 1.0. A full disk is in error() and the log; the flowgraph goes on. "
        "RuntimeError if the file cannot be made.")
        .def(py::init(&frame_sink::make), py::arg("channels"), py::arg("path"))
        .def("error",
             &frame_sink::error,
             "Why samples are missing at the end of the file, or \"\".")
        .def("samples", &frame_sink::samples, "Samples of each channel in the file.");
}
