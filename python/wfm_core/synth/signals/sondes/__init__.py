# SPDX-License-Identifier: GPL-3.0-or-later
"""Radiosondes of the band 400 to 406 MHz."""

from wfm_core.synth.signals.sondes.manchester_sondes import dfm, m10, m20, mrz
from wfm_core.synth.signals.sondes.other_sondes import imet, lms6
from wfm_core.synth.signals.sondes.rs41 import rs41
from wfm_core.synth.signals.transmission import Generator

KINDS: dict[str, dict[str, Generator]] = {
    "radiosonde": {"rs41": rs41, "dfm": dfm, "m10": m10, "m20": m20, "imet": imet, "lms6": lms6, "mrz": mrz},
}
