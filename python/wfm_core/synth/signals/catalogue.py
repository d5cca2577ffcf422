# SPDX-License-Identifier: GPL-3.0-or-later
"""All classes of signals, and the generators of each: what a model of single signals is taught to tell apart."""

from importlib import import_module

from wfm_core.synth.signals.transmission import Generator

FAMILIES = (
    "amateur", "aviation", "broadcast", "carrier", "cellular", "marine", "paging", "satellite", "short_range", "sondes",
    "telemetry", "voice",
)  # fmt: skip
"""Sub-packages and modules, each with KINDS: for each class label, a generator for each kind of it."""

LABELS = (
    "ads-b", "airband", "ais", "apt", "bluetooth", "cellular", "dab", "digital-voice", "fm-broadcast", "lora", "morse",
    "ook", "packet", "pocsag", "keyless", "radiosonde", "rtty", "sstv", "vor", "wifi",
    "acars", "dsss", "dvb-t", "fsk", "gps", "nbfm", "nfc", "radar", "rc-link", "satellite", "video", "zigbee",
    "carrier", "noise",
)  # fmt: skip
"""The order in which models have them: the twenty of the RFS task, others beside them, and what is no signal."""

NOISE = "noise"
UNKNOWN = "unknown"
"""The label of a signal of no class."""

LEAST_SECONDS = {
    "apt": 0.6, "morse": 1.0, "rtty": 0.6, "sstv": 0.5, "nbfm": 0.2, "airband": 0.2, "vor": 0.3, "packet": 0.15,
    "pocsag": 0.15, "acars": 0.1, "radiosonde": 0.15, "digital-voice": 0.08, "satellite": 0.1, "fm-broadcast": 0.05,
    "ook": 0.1, "keyless": 0.1, "fsk": 0.02, "ais": 0.03, "lora": 0.02, "carrier": 0.05,
    "dect": 0.01, "wefax": 0.5, "psk31": 1.0, "drm": 0.1, "ocean-radar": 0.25, "hellschreiber": 0.8,
    "improvised-narrow": 0.3,
}  # fmt: skip
"""Of a class, the shortest time in which it can be told by what it sends."""


def _gather(families: tuple[str, ...]) -> dict[str, dict[str, Generator]]:
    signals: dict[str, dict[str, Generator]] = {}
    for family in families:
        for label, kinds in import_module(f"wfm_core.synth.signals.{family}").KINDS.items():
            signals.setdefault(label, {}).update(kinds)
    return signals


SIGNALS = _gather(FAMILIES)
UNHEARD = _gather(("unheard",))
"""Technologies that are kept out of training, no labels of any model, and the kinds of each: for open-set figures."""
IMPROVISED = _gather(("improvised",))
"""Transmissions of no standard, by which models are taught to be unsure."""
