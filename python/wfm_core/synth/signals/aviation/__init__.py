# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of aviation, each by its standard."""

from wfm_core.synth.signals.aviation import acars, airband, mode_s, radar, vor
from wfm_core.synth.signals.transmission import Generator

KINDS: dict[str, dict[str, Generator]] = {
    "ads-b": {"mode_s": mode_s.mode_s, "mode_ac": mode_s.mode_ac, "mode_s_and_ac": mode_s.both},
    "airband": {"voice": airband.voice, "atis": airband.atis, "climax": airband.climax},
    "acars": {"acars": acars.acars},
    "radar": {
        "dme_ground": radar.dme_ground,
        "dme_airborne": radar.dme_airborne,
        "marine": radar.marine,
        "surveillance": radar.surveillance,
        "chirped": radar.chirped,
    },
    "vor": {"vor": vor.vor, "dvor": vor.dvor},
}
