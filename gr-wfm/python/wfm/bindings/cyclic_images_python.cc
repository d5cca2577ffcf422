// SPDX-License-Identifier: GPL-3.0-or-later
#include <cfenv>
#include <gnuradio/wfm/cyclic_images.h>
#include <mutex>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;
using gr::wfm::cyclic_images;

namespace {

// The calling thread's floating-point modes, as they were: some kernels of VOLK leave the
// processor flushing denormal numbers to zero.
class kept_float_modes
{
public:
    kept_float_modes() { std::fegetenv(&d_modes); }
    ~kept_float_modes() { std::fesetenv(&d_modes); }

private:
    std::fenv_t d_modes;
};

// What Python holds: any thread may call it.
class cyclic_image_maker
{
public:
    py::array_t<float> images(const py::array& windows)
    {
        const bool right = py::isinstance<py::array_t<gr_complex>>(windows) &&
                           (windows.flags() & py::array::c_style) &&
                           windows.ndim() == 3 && windows.shape(1) >= 1 &&
                           windows.shape(2) >= 1 &&
                           windows.shape(2) % cyclic_images::window == 0;
        if (!right)
            throw py::value_error("images wants a C-contiguous complex64 array of shape "
                                  "[windows, 1 or more "
                                  "antennas, 4096 or a multiple], got " +
                                  py::str(windows.dtype()).cast<std::string>() + " " +
                                  py::str(windows.attr("shape")).cast<std::string>());
        const size_t count = windows.shape(0), antennas = windows.shape(1);
        const size_t samples = windows.shape(2);
        py::array_t<float> made({ count,
                                  cyclic_images::channels,
                                  cyclic_images::height,
                                  cyclic_images::width });
        const auto* iq = static_cast<const gr_complex*>(windows.data());
        float* image = made.mutable_data();
        py::gil_scoped_release release;
        const std::lock_guard lock(d_mutex);
        const kept_float_modes kept;
        for (size_t i = 0; i < count; i++)
            d_images->run(iq + i * antennas * samples,
                          antennas,
                          samples / cyclic_images::window,
                          image + i * cyclic_images::pixels);
        return made;
    }

private:
    std::mutex d_mutex;
    std::unique_ptr<cyclic_images> d_images = cyclic_images::make();
};

} // namespace

void bind_cyclic_images(py::module& m)
{
    py::class_<cyclic_image_maker>(
        m,
        "cyclic_images",
        "Makes the images of signal kind cyclic_image, equal to "
        "wfm_core.signal.images.CyclicImage within 1e-3, on one thread without the GIL.")
        .def(py::init<>())
        .def("images",
             &cyclic_image_maker::images,
             py::arg("windows"),
             "complex64 [B, A, n * 4096] -> float32 [B, 5, 32, 64]. ValueError for "
             "another shape or dtype.");
}
