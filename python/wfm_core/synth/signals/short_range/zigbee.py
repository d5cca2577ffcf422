# SPDX-License-Identifier: GPL-3.0-or-later
"""IEEE 802.15.4 frames: O-QPSK of 2 Mchip/s at 2.4 GHz, BPSK at 868 and 915 MHz (IEEE 802.15.4-2020, 12 and 13).

Bandwidth that holds 99 % of the power: 2.4 MHz; 0.42 MHz (868 MHz, 300 kchip/s), 0.83 MHz (915 MHz, 600 kchip/s).
"""

import numpy as np
from scipy import signal as dsp

from wfm_core.synth.signals.bits import bits_of, bytes_of, crc, nrzi, number_bits
from wfm_core.synth.signals.keying import ramped
from wfm_core.synth.signals.placing import filled
from wfm_core.synth.signals.transmission import Transmission, transmission

CHIP_RATE = 2e6
_PER_CHIP = 4
_ZERO = np.array([int(chip) for chip in "11011001110000110101001000101110"])
_BPSK = 2.0 * np.array([int(chip) for chip in "111101011001000"]) - 1
_TURNAROUND = 192e-6


def chip_table() -> np.ndarray:
    """float64 [16, 32] of +-1: table 12-1; symbols 8 to 15 have the odd chips inverted."""
    low = np.stack([np.roll(2.0 * _ZERO - 1, 4 * symbol) for symbol in range(8)])
    return np.concatenate([low, low * np.tile([1.0, -1.0], 16)])


def with_fcs(frame: bytes) -> bytes:
    """The frame and its check sequence (7.2.11): CRC of x^16 + x^12 + x^5 + 1, lowest bit first, from zero."""
    bits = number_bits(crc(bits_of(frame, lsb_first=True), 0x1021, 16), 16)
    return frame + bytes_of(bits, lsb_first=True)


def protocol_unit(psdu: bytes) -> bytes:
    """Preamble, start of frame, length, PSDU (12.1.2)."""
    return b"\x00\x00\x00\x00\xa7" + bytes([len(psdu)]) + psdu


def offset_qpsk(unit: bytes, per_chip: int = _PER_CHIP) -> np.ndarray:
    """complex128: half-sine pulses, even chips on I, odd ones on Q half a pulse later."""
    octets = np.frombuffer(unit, np.uint8)
    symbols = np.stack([octets & 15, octets >> 4], 1).ravel()
    chips = chip_table()[symbols].ravel()
    pulse = np.sin(np.pi * (np.arange(2 * per_chip) + 0.5) / (2 * per_chip))
    real = dsp.upfirdn(pulse, chips[0::2], 2 * per_chip)
    imaginary = dsp.upfirdn(pulse, chips[1::2], 2 * per_chip)
    out = np.zeros(len(real) + per_chip, np.complex128)
    out[: len(real)] += real
    out[per_chip:] += 1j * imaginary
    return out


def bpsk(unit: bytes, per_chip: int = _PER_CHIP) -> np.ndarray:
    """complex128: differential bits, 15 chips each, raised cosine of rolloff 1 (13.2)."""
    bits = nrzi(bits_of(unit, lsb_first=True), one_changes=True)
    chips = ((1 - 2.0 * bits)[:, None] * _BPSK).ravel()
    t = np.arange(-4 * per_chip, 4 * per_chip + 1) / per_chip + 1e-6
    taps = np.sinc(t) * np.cos(np.pi * t) / (1 - (2 * t) ** 2)
    return dsp.upfirdn(taps, chips, per_chip).astype(np.complex128)


def random_frame(network: bytes, nodes: list[bytes], rng: np.random.Generator) -> tuple[bytes, bytes | None]:
    """A beacon, beacon request, data or command frame, and its acknowledgement or None (7.3)."""
    number, kind = int(rng.integers(256)), rng.random()
    if kind < 0.1:
        return with_fcs(b"\x03\x08" + bytes([number]) + b"\xff\xff\xff\xff\x07"), None
    if kind < 0.2:
        body = b"\x00\x80" + bytes([number]) + network + nodes[0] + b"\xff\xcf\x00\x00" + rng.bytes(15)
        return with_fcs(body), None
    source, goal = (nodes[place] for place in rng.choice(len(nodes), 2, replace=False))
    asks = rng.random() < 0.7
    control = (0x8841 | asks << 5).to_bytes(2, "little")
    content = rng.bytes(int(2 ** rng.uniform(2, 6.7))) if kind < 0.85 else b"\x04"
    goal = goal if asks else b"\xff\xff"
    frame = with_fcs(control + bytes([number]) + network + goal + source + content)
    return frame, with_fcs(b"\x02\x00" + bytes([number])) if asks else None


def zigbee(seconds: float, rng: np.random.Generator) -> Transmission:
    return _network(seconds, rng, CHIP_RATE * _PER_CHIP, offset_qpsk, 2.4e6, "oqpsk")


def bpsk_868(seconds: float, rng: np.random.Generator) -> Transmission:
    return _network(seconds, rng, 300e3 * _PER_CHIP, bpsk, 0.42e6, "bpsk_868")


def bpsk_915(seconds: float, rng: np.random.Generator) -> Transmission:
    return _network(seconds, rng, 600e3 * _PER_CHIP, bpsk, 0.83e6, "bpsk_915")


def _network(seconds: float, rng: np.random.Generator, rate: float, modulator, bandwidth, kind) -> Transmission:
    network, nodes = rng.bytes(2), [rng.bytes(2) for _ in range(rng.integers(2, 7))]
    levels = 10 ** (-rng.exponential(5, 2) / 20)
    carriers = rng.normal(0, 0.01 * bandwidth, 2)
    ramp = int(rng.uniform(2, 12))
    turnaround = _TURNAROUND if kind == "oqpsk" else 12 / (rate / _PER_CHIP / 15)

    def sent(psdu: bytes, who: int) -> np.ndarray:
        x = ramped(modulator(protocol_unit(psdu)), ramp)
        turn = carriers[who] / rate * np.arange(len(x)) + rng.random()
        return (x * np.exp(2j * np.pi * turn) * levels[who]).astype(np.complex64)

    def exchange() -> np.ndarray:
        frame, answer = random_frame(network, nodes, rng)
        who = int(rng.integers(2))
        if answer is None or rng.random() < 0.1:
            return sent(frame, who)
        quiet = np.zeros(int(turnaround * rate), np.complex64)
        return np.concatenate([sent(frame, who), quiet, sent(answer, 1 - who)])

    idle = 10 ** rng.uniform(-2.7, -0.7)
    line = filled(round(seconds * rate), exchange, lambda: (640e-6 + rng.exponential(idle)) * rate, rng)
    return transmission(line, rate, bandwidth, kind)
