# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings and the windows that are cut from them."""

from wfm_core.data.recordings.recording import Annotation, Capture, Recording, open_recording
from wfm_core.data.recordings.windows import window_starts

__all__ = ["Annotation", "Capture", "Recording", "open_recording", "window_starts"]
