# SPDX-License-Identifier: GPL-3.0-or-later
"""Technologies that no model is taught: what it says of them shows how it knows what it does not know."""

from wfm_core.synth.signals.transmission import Generator
from wfm_core.synth.signals.unheard import dect, drm, hellschreiber, ocean_radar, psk31, wefax

KINDS: dict[str, dict[str, Generator]] = {
    "dect": {"dect-beacon": dect.beacon, "dect-call": dect.call},
    "wefax": {"wefax-sideband": wefax.sideband, "wefax-f1c": wefax.two_tones},
    "psk31": {"bpsk31": psk31.bpsk, "qpsk31": psk31.qpsk},
    "drm": {"drm-b": drm.mode_b},
    "ocean-radar": {"fmicw": ocean_radar.gated, "fmcw": ocean_radar.continuous},
    "hellschreiber": {"feld-hell": hellschreiber.feld, "fsk-hell": hellschreiber.fsk},
}
