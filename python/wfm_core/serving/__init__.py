# SPDX-License-Identifier: GPL-3.0-or-later
"""Serving: windows travel to a server that has the bundle, answers come back. `wfm.proto` is what is spoken."""

import importlib.metadata


def own_version() -> str:
    """Of this package, for the other side to read."""
    try:
        return importlib.metadata.version("wfm-core")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
