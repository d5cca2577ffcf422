// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <gnuradio/sync_block.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

//! A block in Python. Its bases are virtual: pybind11 must know all of them.
template <typename Block, typename... More>
using block_class =
    py::class_<Block, More..., gr::block, gr::basic_block, std::shared_ptr<Block>>;
