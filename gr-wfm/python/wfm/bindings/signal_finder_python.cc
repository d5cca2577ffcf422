// SPDX-License-Identifier: GPL-3.0-or-later
#include "block_class.h"
#include <gnuradio/wfm/signal_finder.h>
#include <optional>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

using gr::wfm::found_signal;
using gr::wfm::signal_finder;

namespace {

template <typename T>
auto of_info(T gr::wfm::window_info::*field)
{
    return [field](const found_signal& signal) { return signal.info.*field; };
}

// None after the time; an empty list at the end.
std::optional<std::vector<std::shared_ptr<const found_signal>>>
take(signal_finder& finder, int most, int timeout_ms)
{
    std::vector<found_signal::sptr> signals;
    if (!finder.take(most, timeout_ms, signals))
        return {};
    return signals;
}

// The array looks at the signal's own samples, and keeps it.
py::array_t<gr_complex> samples_of(const std::shared_ptr<found_signal>& signal)
{
    py::array_t<gr_complex> samples(
        signal->samples.size(), signal->samples.data(), py::cast(signal));
    py::detail::array_proxy(samples.ptr())->flags &=
        ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
    return samples;
}

void bind_found_signal(py::module& m)
{
    py::class_<found_signal, std::shared_ptr<found_signal>>(
        m, "found_signal", "A signal that a signal_finder took out of its band.")
        .def_property_readonly("sample_start",
                               of_info(&gr::wfm::window_info::start),
                               "its first sample in the stream")
        .def_readonly("sample_count", &found_signal::sample_count, "of the stream")
        .def_readonly("lower", &found_signal::lower, "Hz from the middle of the band")
        .def_readonly("upper", &found_signal::upper, "Hz from the middle of the band")
        .def_readonly("snr_db", &found_signal::snr_db)
        .def_readonly("level_dbfs", &found_signal::level_dbfs)
        .def_readonly("cut",
                      &found_signal::cut,
                      "max_duration ended it, and it goes on")
        .def_property_readonly("has_rx_time", of_info(&gr::wfm::window_info::has_rx_time))
        .def_property_readonly("rx_time_secs",
                               of_info(&gr::wfm::window_info::rx_time_secs))
        .def_property_readonly("rx_time_frac",
                               of_info(&gr::wfm::window_info::rx_time_frac))
        .def_property_readonly(
            "rx_freq", of_info(&gr::wfm::window_info::rx_freq), "Hz, NaN: unknown")
        .def_property_readonly(
            "sample_rate", of_info(&gr::wfm::window_info::rx_rate), "of the stream")
        .def_readonly("rate", &found_signal::rate, "samples/s of samples")
        .def_property_readonly(
            "samples", &samples_of, "complex64 [n] about 0 Hz, read-only, not copied");
}

} // namespace

void bind_signal_finder(py::module& m)
{
    bind_found_signal(m);
    using no_gil = py::call_guard<py::gil_scoped_release>;
    block_class<signal_finder>(
        m,
        "signal_finder",
        "Finds each signal of a band in time and frequency, and passes the band on, "
        "delayed, with the signals as tags. fft_size 0: by the rate; false_alarms: boxes "
        "a second that white noise alone may give; max_duration: seconds after which a "
        "signal is reported in pieces; min_snr: dB; hold: samples the output lags "
        "behind; "
        "policy \"live\" skips and drops, \"lossless\" blocks; extract: take each signal "
        "out of the band, for take(); slots: signals that wait for it at most. Message "
        "ports out: signals (a PDU a signal), status. ValueError for a bad parameter.")
        .def(py::init(&signal_finder::make),
             py::arg("sample_rate"),
             py::arg("fft_size") = 0,
             py::arg("false_alarms") = 0.05,
             py::arg("max_duration") = 2.0,
             py::arg("min_snr") = 6.0,
             py::arg("hold") = 0,
             py::arg("policy") = "live",
             py::arg("extract") = false,
             py::arg("slots") = 64)
        .def("take",
             &take,
             py::arg("most"),
             py::arg("timeout_ms"),
             no_gil(),
             "Up to `most` signals that were taken out, oldest first; None after "
             "timeout_ms without any; an empty list once the stream has ended and nothing "
             "waits.")
        .def("await_results",
             &signal_finder::await_results,
             "From now on complete() comes for every signal that was taken out; lossless "
             "lets no sample out before the signals on it are complete.")
        .def("complete",
             &signal_finder::complete,
             py::arg("signals"),
             py::arg("tags"),
             no_gil(),
             "Hand in the results: for each signal a list of (key, value) PMTs.")
        .def("end",
             &signal_finder::end,
             py::arg("drain"),
             no_gil(),
             "End the flowgraph. drain: what was found so far can still be taken; else "
             "nothing waits for that.")
        .def("run",
             &signal_finder::run,
             "number of this run, from 1; lock() and unlock() begin no new one")
        .def("open",
             &signal_finder::open,
             no_gil(),
             "Ready for a new run after a stop; a no-op if it is. start() does it, too; a "
             "thread that may take first calls it before.")
        .def("counters", &signal_finder::counters, "dict of the counts of this run")
        .def("memory",
             &signal_finder::memory,
             "samples between a signal's first one and its report, at most");
}
