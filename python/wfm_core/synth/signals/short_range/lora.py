# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRa frames: chirps of 7.8 to 500 kHz (2.4 GHz: 203 to 1625 kHz), in the bands at 169, 433, 868, 915 MHz and 2.4 GHz.

Semtech AN1200.22 and the SX1276 and SX1280 data sheets; LoRaWAN 1.0.3 for the frames of networks. The bandwidth that
holds 99 % of the power is 0.99 times the chirps' at SF 12, 1.2 times at SF 5.
"""

import numpy as np

from wfm_core.synth.signals.placing import filled
from wfm_core.synth.signals.short_range import lora_coding as coding
from wfm_core.synth.signals.transmission import Transmission, transmission

OVERSAMPLING = 4
BANDWIDTHS = (7.8125e3, 10.4167e3, 15.625e3, 20.8333e3, 31.25e3, 41.6667e3, 62.5e3, 125e3, 250e3, 500e3)


def chirps(values: np.ndarray, spreading_factor: int, per_chip: int, down: bool = False) -> np.ndarray:
    """float64 [len(values) * 2^SF * per_chip]: phase in cycles of up-chirps from -B/2 that begin at their values."""
    chips = 2**spreading_factor
    time = np.arange(chips * per_chip) / per_chip  # chips
    start = np.asarray(values)[:, None] % chips
    # Frequency in cycles a chip: (start + t) / chips - 1/2, less 1 after it has passed the upper edge.
    wrapped = np.maximum(time - (chips - start), 0)
    cycles = time * (start / chips - 0.5 + time / (2 * chips)) - wrapped
    return (-cycles if down else cycles).ravel()


def frame(
    values: np.ndarray, spreading_factor: int, preamble: int, word: int, per_chip: int = OVERSAMPLING, inverted=False
) -> np.ndarray:
    """complex64: preamble, sync word, 2.25 down-chirps, `values`; `inverted` as gateways send to LoRaWAN devices."""
    chips = 2**spreading_factor * per_chip
    up = np.concatenate([np.zeros(preamble, np.int64), coding.sync_symbols(word)])
    down = chirps(np.zeros(3), spreading_factor, per_chip, down=True)[: 2 * chips + chips // 4]
    if spreading_factor < 7:  # two chirps more before the header (SX1261 data sheet, 6.1.4)
        values = np.concatenate([[0, 0], values])
    pieces = [chirps(up, spreading_factor, per_chip), down, chirps(values, spreading_factor, per_chip)]
    phase = np.concatenate(pieces).astype(np.float64)
    return np.exp((-2j if inverted else 2j) * np.pi * phase).astype(np.complex64)


def lora(seconds: float, rng: np.random.Generator) -> Transmission:
    """Frames with any setting below 1 GHz, random payloads."""
    share = np.array([1, 1, 1, 1, 2, 2, 4, 14, 10, 8])
    bandwidth = float(rng.choice(BANDWIDTHS, p=share / share.sum()))
    return _frames(seconds, bandwidth, int(rng.integers(5, 13)), "private", rng, "lora")


def lorawan(seconds: float, rng: np.random.Generator) -> Transmission:
    """LoRaWAN up and down links: SF 7 to 12 at 125 kHz, also 250 and 500 kHz, explicit headers, 8 symbols preamble."""
    bandwidth = float(rng.choice([125e3, 250e3, 500e3], p=[0.8, 0.05, 0.15]))
    return _frames(seconds, bandwidth, int(rng.integers(7, 13)), "lorawan", rng, "lorawan")


def meshtastic(seconds: float, rng: np.random.Generator) -> Transmission:
    """Meshtastic's presets: 16 symbols preamble, sync word 0x2B, 62.5 to 500 kHz."""
    presets = ((500e3, 7), (250e3, 7), (250e3, 8), (250e3, 9), (250e3, 10), (250e3, 11), (125e3, 11), (125e3, 12))
    bandwidth, factor = presets[rng.integers(len(presets))]
    return _frames(seconds, bandwidth, factor, "meshtastic", rng, "meshtastic")


def lora_2g4(seconds: float, rng: np.random.Generator) -> Transmission:
    """The SX1280's widths at 2.4 GHz."""
    bandwidth = float(rng.choice([203.125e3, 406.25e3, 812.5e3, 1625e3]))
    return _frames(seconds, bandwidth, int(rng.integers(5, 13)), "private", rng, "lora_2g4")


def _frames(seconds, bandwidth, factor, network, rng, kind) -> Transmission:
    rate = bandwidth * OVERSAMPLING
    count = round(seconds * rate)
    reduced = 2**factor / bandwidth > 16e-3
    # Of a long frame no more is made than twice what the window can hold.
    most = max(40, int(2 * seconds * bandwidth / 2**factor))
    link = _Link(network, factor, reduced, most, rng)
    gap = rng.choice([0.02, 0.1, 0.5, 3.0]) * rate

    line = filled(count, lambda: link.frame(rng), lambda: rng.exponential(gap) + 50, rng)
    return transmission(line, rate, (0.99 + 7 / 2**factor) * bandwidth, kind)


class _Link:
    """Settings that stay from frame to frame."""

    def __init__(self, network: str, factor: int, reduced: bool, most: int, rng: np.random.Generator):
        self.network, self.factor, self.reduced, self.most = network, factor, reduced, most
        self.coding_rate = 1 if network == "lorawan" or rng.random() < 0.6 else int(rng.integers(2, 5))
        self.preamble = {"lorawan": 8, "meshtastic": 16}.get(network, int(rng.choice([6, 8, 8, 8, 10, 12, 16])))
        own = int(rng.choice([0x12, 0x12, 0x34, rng.integers(256)]))
        self.word = {"lorawan": 0x34, "meshtastic": 0x2B}.get(network, own)
        self.explicit = network != "private" or rng.random() < 0.8
        self.ramp = int(rng.integers(2, 2 + 2 ** max(factor - 4, 2)))

    def frame(self, rng: np.random.Generator) -> np.ndarray:
        has_crc, inverted = True, False
        if self.network == "lorawan":
            payload = coding.lorawan_frame(rng)
            inverted = payload[0] in (0x20, 0x60)
            has_crc = not inverted
        elif self.network == "meshtastic":
            payload = coding.meshtastic_frame(rng)
        else:
            payload = rng.bytes(int(2 ** rng.uniform(1.6, 7.5)))
            has_crc = rng.random() < 0.9
        values = coding.symbols(payload, self.factor, self.coding_rate, self.explicit, has_crc, self.reduced)
        sent = frame(values[: self.most], self.factor, self.preamble, self.word, inverted=inverted)
        # Power rises within tens of microseconds; the phase stays as the synthesiser had it.
        sent[: self.ramp] *= np.linspace(0, 1, self.ramp + 1)[1:]
        sent[-self.ramp :] *= np.linspace(1, 0, self.ramp + 1)[:-1]
        return sent * np.exp(2j * np.pi * rng.random()).astype(np.complex64)
