// SPDX-License-Identifier: GPL-3.0-or-later
#include "block_class.h"
#include <gnuradio/wfm/window_tap.h>
#include <pybind11/numpy.h>

using gr::wfm::window_batch;
using gr::wfm::window_info;
using gr::wfm::window_tap;

namespace {

// One field of all windows, as a numpy array.
template <typename T>
py::array_t<T> column(const window_batch& batch, T window_info::*field)
{
    py::array_t<T> values(batch.count());
    auto value = values.template mutable_unchecked<1>();
    for (size_t i = 0; i < batch.count(); i++)
        value(i) = batch.windows()[i].*field;
    return values;
}

template <typename T>
auto column_of(T window_info::*field)
{
    return [field](const window_batch& batch) { return column(batch, field); };
}

void copy_to(window_batch& batch, const py::array& destination)
{
    const bool right = py::isinstance<py::array_t<gr_complex>>(destination) &&
                       (destination.flags() & py::array::c_style) &&
                       destination.writeable() && destination.ndim() == 3 &&
                       static_cast<size_t>(destination.shape(0)) >= batch.count() &&
                       static_cast<size_t>(destination.shape(1)) == batch.channels() &&
                       static_cast<size_t>(destination.shape(2)) == batch.window();
    if (!right)
        throw py::value_error(
            "copy_to wants a writable C-contiguous complex64 array of shape [" +
            std::to_string(batch.count()) + " or more, " +
            std::to_string(batch.channels()) + ", " + std::to_string(batch.window()) +
            "], got " + py::str(destination.dtype()).cast<std::string>() + " " +
            py::str(destination.attr("shape")).cast<std::string>());
    auto* samples = static_cast<gr_complex*>(py::array(destination).mutable_data());
    py::gil_scoped_release release;
    batch.copy_to(samples);
}

void bind_window_batch(py::module& m)
{
    py::class_<window_batch, std::shared_ptr<window_batch>>(
        m,
        "window_batch",
        "Windows taken from a window_tap; arrays have one entry a window.")
        .def_property_readonly(
            "count", &window_batch::count, "windows; 0: the stream has ended")
        .def_property_readonly(
            "start", column_of(&window_info::start), "first sample, uint64")
        .def_property_readonly(
            "power", column_of(&window_info::power), "mean |x|^2, float32")
        .def_property_readonly("has_rx_time", column_of(&window_info::has_rx_time))
        .def_property_readonly("rx_time_secs", column_of(&window_info::rx_time_secs))
        .def_property_readonly("rx_time_frac", column_of(&window_info::rx_time_frac))
        .def_property_readonly(
            "rx_freq", column_of(&window_info::rx_freq), "Hz, NaN: unknown")
        .def_property_readonly("rx_rate", column_of(&window_info::rx_rate), "samples/s")
        .def("copy_to",
             &copy_to,
             py::arg("destination"),
             "Copy the samples to complex64 [>= count, channels, window] and free the "
             "slots, once. ValueError for another shape or dtype.");
}

} // namespace

void bind_window_tap(py::module& m)
{
    bind_window_batch(m);
    using no_gil = py::call_guard<py::gil_scoped_release>;
    block_class<window_tap>(
        m,
        "window_tap",
        "Cuts windows out of N streams for an inference thread and passes the streams "
        "on, delayed, with the results as tags. hop (samples) 0: the window; hold: "
        "samples the output lags behind; policy \"live\" drops the oldest waiting "
        "window, "
        "\"lossless\" blocks; settle: samples skipped after a break; gate_dbfs: windows "
        "with less mean power are skipped. ValueError for a bad parameter.")
        .def(py::init(&window_tap::make),
             py::arg("channels"),
             py::arg("window"),
             py::arg("hop") = 0,
             py::arg("hold") = 0,
             py::arg("policy") = "live",
             py::arg("slots") = 64,
             py::arg("sample_rate") = 1.0,
             py::arg("settle") = 0,
             py::arg("gate_dbfs") = -std::numeric_limits<double>::infinity())
        .def("take",
             &window_tap::take,
             py::arg("max_windows"),
             py::arg("timeout_ms"),
             no_gil(),
             "Up to max_windows waiting windows; None after timeout_ms without any; a "
             "batch of count 0 once the tap is closed and nothing waits.")
        .def("complete",
             &window_tap::complete,
             py::arg("batch"),
             py::arg("tags"),
             no_gil(),
             "Hand in the results: for each window a list of (key, value) PMTs.")
        .def("discard",
             &window_tap::discard,
             py::arg("batch"),
             no_gil(),
             "Free a batch for which there are no results.")
        .def("open",
             &window_tap::open,
             no_gil(),
             "Ready for a new run after close(); a no-op if open. start() does it, too; "
             "an inference thread that may start first calls it before.")
        .def("close", &window_tap::close, no_gil(), "Cut no more windows.")
        .def("fail", &window_tap::fail, no_gil(), "End the flowgraph.")
        .def("bypass", &window_tap::bypass, no_gil(), "From now on only pass samples.")
        .def("counters", &window_tap::counters, "dict of the counts of this run")
        .def("run",
             &window_tap::run,
             "number of this run, from 1; lock() and unlock() begin no new one")
        .def("set_gate_dbfs", &window_tap::set_gate_dbfs, py::arg("gate_dbfs"))
        .def("set_hop", &window_tap::set_hop, py::arg("hop"))
        .def("hop", &window_tap::hop)
        .def("gate_dbfs", &window_tap::gate_dbfs);
}
