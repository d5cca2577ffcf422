# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of short range devices and networks, each by its standard."""

from wfm_core.synth.signals.short_range import lora, wifi
from wfm_core.synth.signals.transmission import Generator

KINDS: dict[str, dict[str, Generator]] = {
    "lora": {
        "lora": lora.lora,
        "lorawan": lora.lorawan,
        "meshtastic": lora.meshtastic,
        "lora_2g4": lora.lora_2g4,
    },
    "wifi": {"dsss": wifi.dsss, "ofdm": wifi.legacy, "ht20": wifi.ht20, "ht40": wifi.ht40},
}
