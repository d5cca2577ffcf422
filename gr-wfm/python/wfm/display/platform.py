# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a window can be shown: Qt ends the whole process (status 134) when it cannot open the display it goes for."""

import ctypes
import os
import socket
import sys
from pathlib import Path

_SECONDS = 2.0


def choose_platform() -> str:
    """Choose Qt's offscreen platform where no display can be opened; what the user set in QT_QPA_PLATFORM stays.

    Returns what to tell the user when a display is named that cannot be opened, or "".
    """
    said = _choose() if sys.platform.startswith("linux") and not os.environ.get("QT_QPA_PLATFORM") else ""
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        # Without a desktop Qt warns about what only a desktop has.
        os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
    return said


def _choose() -> str:
    x11, wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
    if x11 and _x11_opens():
        return ""
    if wayland and _wayland_opens(wayland):
        os.environ["QT_QPA_PLATFORM"] = "wayland"
        return ""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    named = [f"{name}={value}" for name, value in (("DISPLAY", x11), ("WAYLAND_DISPLAY", wayland)) if value]
    if not named:
        return ""
    return f"no window is shown, as the display of {' and '.join(named)} cannot be opened; all else goes on"


def _x11_opens() -> bool:
    """As Qt's xcb plugin opens it, with its authority. Without the library there is no such plugin."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = xcb.xcb_connect(None, None)
    try:
        return xcb.xcb_connection_has_error(connection) == 0
    finally:
        xcb.xcb_disconnect(connection)


def _wayland_opens(name: str) -> bool:
    """Whether a compositor listens and Qt has the plugin for it (Debian's qtwayland5), which is seldom installed."""
    path = Path(os.environ.get("XDG_RUNTIME_DIR", ""), name)
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_SECONDS)
            probe.connect(str(path))
    except OSError:
        return False
    try:
        from PyQt5.QtCore import QLibraryInfo
    except ImportError:
        return False
    plugins = Path(QLibraryInfo.location(QLibraryInfo.PluginsPath), "platforms")
    return any(plugins.glob("libqwayland*.so"))
