# SPDX-License-Identifier: GPL-3.0-or-later
"""Satellites: telemetry, digital and analogue weather pictures, navigation."""

from wfm_core.synth.signals.satellite import modulated, weather_links
from wfm_core.synth.signals.transmission import Generator

KINDS: dict[str, dict[str, Generator]] = {"satellite": modulated.KINDS | weather_links.KINDS}
