// SPDX-License-Identifier: GPL-3.0-or-later
#include "block_class.h"
#include <gnuradio/wfm/recorder.h>

void bind_recorder(py::module& m)
{
    using gr::wfm::recorder;
    block_class<recorder, gr::sync_block>(
        m,
        "recorder",
        "Records N complex streams as labelled SigMF files, valid at every moment. "
        "pre_trigger: seconds before a start that are recorded, too; rotate_mb: "
        "megabytes of samples a file, 0 for no limit; datatype \"cf32_le\" or "
        "\"ci16_le\"; queue: seconds that the disk may be behind before samples are "
        "dropped. Message ports "
        "in: control (start, stop, label, annotate), trigger (events of an event "
        "tracker). Out: events, status. ValueError for a bad parameter, RuntimeError for "
        "a folder that cannot be written.")
        .def(py::init(&recorder::make),
             py::arg("channels"),
             py::arg("sample_rate"),
             py::arg("folder"),
             py::arg("prefix") = "recording",
             py::arg("label") = "",
             py::arg("recording") = false,
             py::arg("pre_trigger") = 0.0,
             py::arg("rotate_mb") = 0.0,
             py::arg("datatype") = "cf32_le",
             py::arg("queue") = 2.0)
        .def("set_recording",
             &recorder::set_recording,
             py::arg("recording"),
             "Start or stop with the next sample.")
        .def("set_label",
             &recorder::set_label,
             py::arg("label"),
             "From the next sample on; while recording a new file begins. ValueError for "
             "a label of more than 200 bytes.")
        .def("annotate",
             &recorder::annotate,
             py::arg("text"),
             "A comment on the sample now recorded.")
        .def("recording", &recorder::recording)
        .def("counters", &recorder::counters, "dict of the counts");
}
