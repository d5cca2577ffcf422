# SPDX-License-Identifier: GPL-3.0-or-later
"""What amateurs (and some others) send besides voice: packets, teleprinter, Morse code, pictures."""

from wfm_core.synth.signals.amateur import ffsk, morse, packet, rtty, sstv
from wfm_core.synth.signals.transmission import Generator

KINDS: dict[str, dict[str, Generator]] = {
    "packet": {
        "afsk1200": packet.afsk_1200,
        "fsk9600": packet.fsk_9600,
        "hf300": packet.hf_300,
        "ffsk1200": ffsk.ffsk,
    },
    "rtty": {
        "baudot": rtty.baudot,
        "ascii": rtty.ascii_telemetry,
        "navtex": rtty.navtex,
        "sitor-a": rtty.sitor_a,
    },
    "morse": {"cw": morse.cw, "mcw-am": morse.mcw_am, "mcw-fm": morse.mcw_fm},
    "sstv": {"sstv-usb": sstv.sideband, "sstv-fm": sstv.fm},
}
