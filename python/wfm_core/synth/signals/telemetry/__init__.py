# SPDX-License-Identifier: GPL-3.0-or-later
"""Short-range telemetry: on-off keyed remotes and sensors, keyless entry, and FSK of meters, tyres and homes."""

from wfm_core.synth.signals.telemetry import (
    any_remote,
    distance_sensors,
    fsk_sensors,
    homes,
    keyless,
    meters,
    narrow,
    phase_sensors,
    remotes,
    security,
    width_sensors,
)
from wfm_core.synth.signals.transmission import Generator

_OOK = (distance_sensors, width_sensors, phase_sensors, remotes, security, any_remote)
OOK_PROTOCOLS = tuple(protocol for module in _OOK for protocol in module.PROTOCOLS)
FSK_LINKS = tuple(link for module in (meters, fsk_sensors, homes) for link in module.LINKS)

KINDS: dict[str, dict[str, Generator]] = {
    "ook": {protocol.kind: protocol.generator() for protocol in OOK_PROTOCOLS},
    "keyless": {one.kind: one.generator() for one in (*keyless.PROTOCOLS, *keyless.LINKS)},
    "fsk": {link.kind: link.generator() for link in FSK_LINKS} | narrow.KINDS,
}
