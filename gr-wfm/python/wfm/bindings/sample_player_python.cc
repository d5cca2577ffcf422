// SPDX-License-Identifier: GPL-3.0-or-later
#include "block_class.h"
#include <gnuradio/wfm/sample_player.h>

void bind_sample_player(py::module& m)
{
    using gr::wfm::sample_player;
    block_class<sample_player, gr::sync_block>(
        m,
        "sample_player",
        "Plays a file of interleaved samples, and those beside it, as N complex streams, "
        "scaled to full scale 1.0, with rx_time, rx_rate, rx_freq and wfm_lost tags; "
        "paced, it behaves as a radio whose FIFO of fifo_seconds overflows. segments: "
        "(sample_start, Hz or NaN, seconds, fraction, has_time); missing: (sample, how "
        "many are missing in front of it); beside: (path, datatype, channels, "
        "header_bytes); hilbert: h[1], h[2] ... for real samples. ValueError for a bad "
        "parameter, RuntimeError for a file that cannot be played.")
        .def(py::init(&sample_player::make),
             py::arg("path"),
             py::arg("datatype"),
             py::arg("channels"),
             py::arg("sample_rate"),
             py::arg("header_bytes") = 0,
             py::arg("start") = 0,
             py::arg("count") = 0,
             py::arg("repeat") = false,
             py::arg("paced") = false,
             py::arg("fifo_seconds") = 0.2,
             py::arg("segments") = std::vector<gr::wfm::segment_tuple>(),
             py::arg("missing") = std::vector<gr::wfm::missing_tuple>(),
             py::arg("beside") = std::vector<gr::wfm::sample_file_tuple>(),
             py::arg("hilbert") = std::vector<float>())
        .def("set_center_freq",
             &sample_player::set_center_freq,
             py::arg("center_freq"),
             "As a retune does: rx_freq (Hz) and a known rx_time at the next sample.")
        .def("samples_lost", &sample_player::samples_lost)
        .def("overflows", &sample_player::overflows)
        .def("cut",
             &sample_player::cut,
             "Did the file become shorter while it was played?")
        .def("samples_played", &sample_player::samples_played);
}
