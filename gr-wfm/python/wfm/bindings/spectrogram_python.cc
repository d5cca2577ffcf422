// SPDX-License-Identifier: GPL-3.0-or-later
#include "block_class.h"
#include <gnuradio/wfm/spectrogram.h>

void bind_spectrogram(py::module& m)
{
    using gr::wfm::spectrogram;
    block_class<spectrogram>(
        m,
        "spectrogram",
        "One complex stream to vectors: log-power rows of fft_size levels (dB), or whole "
        "standardised images of height * width pixels, one per window samples, equal to "
        "wfm_core.signal.Spectrogram within 1e-3. minimum, maximum (dB), mean and std: "
        "the data set's statistics. ValueError for a bad parameter.")
        .def(py::init(&spectrogram::make),
             py::arg("fft_size"),
             py::arg("hop"),
             py::arg("output") = "rows",
             py::arg("window") = 4096,
             py::arg("height") = 32,
             py::arg("width") = 64,
             py::arg("minimum") = -60.0,
             py::arg("maximum") = 20.0,
             py::arg("mean") = 0.5,
             py::arg("std") = 0.25);
}
