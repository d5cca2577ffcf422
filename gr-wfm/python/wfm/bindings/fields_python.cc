// SPDX-License-Identifier: GPL-3.0-or-later
#include <pmt/pmt.h>
#include <pybind11/pybind11.h>
#include <string>

namespace py = pybind11;

namespace {

// What one letter of a format makes of a Python value.
pmt::pmt_t as_pmt(char type, const py::handle& value)
{
    switch (type) {
    case 'u':
        return pmt::from_uint64(value.cast<uint64_t>());
    case 'l':
        return pmt::from_long(value.cast<long>());
    case 'd':
        return pmt::from_double(value.cast<double>());
    case 'b':
        return pmt::from_bool(value.cast<bool>());
    case 's':
        return pmt::intern(value.cast<std::string>());
    case 'p':
        return value.cast<pmt::pmt_t>();
    }
    throw py::value_error(std::string("field type '") + type +
                          "': one of u, l, d, b, s, p is expected");
}

pmt::pmt_t add_fields(pmt::pmt_t fields,
                      const std::string& types,
                      const py::tuple& keys,
                      const py::tuple& values)
{
    if (keys.size() != types.size() || values.size() != types.size())
        throw py::value_error(std::to_string(types.size()) + " types, " +
                              std::to_string(keys.size()) + " keys and " +
                              std::to_string(values.size()) +
                              " values: as many of each are expected");
    for (size_t i = 0; i < types.size(); i++)
        if (!values[i].is_none())
            fields = pmt::dict_add(
                fields, keys[i].cast<pmt::pmt_t>(), as_pmt(types[i], values[i]));
    return fields;
}

} // namespace

void bind_fields(py::module& m)
{
    m.def("add_fields",
          &add_fields,
          py::arg("fields"),
          py::arg("types"),
          py::arg("keys"),
          py::arg("values"),
          "A dict with more fields, made in one call: of a batch of decisions making "
          "them one by one took longer than anything else beside the network. A letter "
          "of types for each: u uint64, l long, d double, b bool, s symbol, p a PMT as "
          "it is; a value of None leaves its field out.");
}
