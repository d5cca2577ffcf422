# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of shipping, each by its standard."""

from wfm_core.synth.signals.marine import ais
from wfm_core.synth.signals.transmission import Generator

KINDS: dict[str, dict[str, Generator]] = {
    "ais": {
        "class_a": ais.class_a,
        "class_b": ais.class_b,
        "base_station": ais.base_station,
        "traffic": ais.traffic,
    },
}
