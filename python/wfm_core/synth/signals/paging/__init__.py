# SPDX-License-Identifier: GPL-3.0-or-later
"""Paging."""

from wfm_core.synth.signals.paging import flex, pocsag
from wfm_core.synth.signals.transmission import Generator

KINDS: dict[str, dict[str, Generator]] = {"pocsag": {"pocsag": pocsag.pocsag, "flex": flex.flex}}
