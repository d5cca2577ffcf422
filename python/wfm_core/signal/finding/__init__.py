# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the signals of a band in time and frequency, without a model."""

from wfm_core.signal.finding.finder import SignalFinder
from wfm_core.signal.finding.settings import FinderSettings, FoundSignal

__all__ = ["FinderSettings", "FoundSignal", "SignalFinder"]
