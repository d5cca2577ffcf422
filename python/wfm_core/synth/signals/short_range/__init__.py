# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of short range devices and networks, each by its standard."""

from wfm_core.synth.signals.short_range import ble, bluetooth, lora, nfc, rc_link, wifi, zigbee
from wfm_core.synth.signals.transmission import Generator

KINDS: dict[str, dict[str, Generator]] = {
    "lora": {
        "lora": lora.lora,
        "lorawan": lora.lorawan,
        "meshtastic": lora.meshtastic,
        "lora_2g4": lora.lora_2g4,
    },
    "bluetooth": {
        "ble_advertising": ble.advertising_1m,
        "ble_data_1m": ble.data_1m,
        "ble_data_2m": ble.data_2m,
        "ble_coded": ble.coded,
        "br": bluetooth.basic,
        "edr2": bluetooth.edr2,
        "edr3": bluetooth.edr3,
    },
    "nfc": {"a": nfc.type_a, "b": nfc.type_b, "f": nfc.type_f, "v": nfc.type_v},
    "rc-link": {
        "nrf24": rc_link.nrf24,
        "toy": rc_link.toy,
        "frsky": rc_link.frsky,
        "flysky": rc_link.flysky,
        "dsmx": rc_link.dsmx,
        "express_lrs": rc_link.express_lrs,
    },
    "zigbee": {"oqpsk": zigbee.zigbee, "bpsk_868": zigbee.bpsk_868, "bpsk_915": zigbee.bpsk_915},
    "wifi": {"11b": wifi.dsss, "11g": wifi.legacy, "ht20": wifi.ht20, "ht40": wifi.ht40},
}
