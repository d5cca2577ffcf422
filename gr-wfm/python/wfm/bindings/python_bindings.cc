// SPDX-License-Identifier: GPL-3.0-or-later
#include <pybind11/pybind11.h>

void bind_cyclic_images(pybind11::module& m);
void bind_radio_tagger(pybind11::module& m);
void bind_fields(pybind11::module& m);
void bind_frame_sink(pybind11::module& m);
void bind_recorder(pybind11::module& m);
void bind_sample_link(pybind11::module& m);
void bind_sample_player(pybind11::module& m);
void bind_signal_finder(pybind11::module& m);
void bind_spectrogram(pybind11::module& m);
void bind_window_tap(pybind11::module& m);

PYBIND11_MODULE(wfm_python, m)
{
    // The base classes and the PMT type are registered by these.
    pybind11::module::import("pmt");
    pybind11::module::import("gnuradio.gr");
    bind_cyclic_images(m);
    bind_radio_tagger(m);
    bind_fields(m);
    bind_frame_sink(m);
    bind_recorder(m);
    bind_sample_link(m);
    bind_sample_player(m);
    bind_signal_finder(m);
    bind_spectrogram(m);
    bind_window_tap(m);
}
