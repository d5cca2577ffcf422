# SPDX-License-Identifier: GPL-3.0-or-later
"""Satellites: telemetry, digital and analogue weather pictures, navigation."""

from wfm_core.synth.signals.satellite import modulated, navigation, weather_links
from wfm_core.synth.signals.satellite.apt import apt
from wfm_core.synth.signals.transmission import Generator

# The very waveforms of amateurs' packets on the ground, whoever sends them.
_PACKET = ("fsk-g3ruh", "afsk-ax25")

KINDS: dict[str, dict[str, Generator]] = {
    "satellite": {k: g for k, g in (modulated.KINDS | weather_links.KINDS).items() if k not in _PACKET},
    "packet": {f"satellite-{kind}": modulated.KINDS[kind] for kind in _PACKET},
    "apt": {"noaa": apt},
    "gps": navigation.KINDS,
}
