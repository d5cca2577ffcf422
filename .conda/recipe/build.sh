#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
set -euxo pipefail

# Bundles are scripted by the PyTorch that will load them: the models are installed, and scripted on the spot.
# shellcheck disable=SC2086  # CMAKE_ARGS is a list
cmake ${CMAKE_ARGS:-} -G Ninja -S . -B buildconda -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$PREFIX" \
    -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib -DPYTHON_EXECUTABLE="$PYTHON" -DWFM_INSTALL_BUNDLES=OFF
cmake --build buildconda -j "$CPU_COUNT"
cmake --install buildconda
