# SPDX-License-Identifier: GPL-3.0-or-later
"""GSM (3GPP TS 45.001 to 45.004): downlink carriers with and without the control channel, and uplink bursts.

270.833 kbit/s GMSK, BT 0.3; 200 kHz channels of 900 and 1800 MHz. Bursts of 148 bits in slots of 156.25; the control
carrier repeats 51 frames of frequency correction, synchronisation, broadcast and common channels, and sends on all
slots. These channels are coded and say what a cell says; traffic is random, as ciphered speech is.
"""

import numpy as np

from wfm_core.synth.signals.cellular import gsm_messages as messages
from wfm_core.synth.signals.cellular.gsm_coding import (
    control_block,
    dummy_burst,
    frequency_burst,
    synchronisation_burst,
    traffic_burst,
)
from wfm_core.synth.signals.keying import frequency_modulated, gaussian, ramped
from wfm_core.synth.signals.transmission import Transmission, part, transmission

SYMBOL_RATE = 1625e3 / 6
PER_SYMBOL = 2
SAMPLE_RATE = PER_SYMBOL * SYMBOL_RATE
BANDWIDTH = 250e3
FRAMES = 26 * 51 * 2048
"""In a hyperframe."""
SLOT = 156.25
"""Bits a slot lasts."""


def gmsk(bits: np.ndarray, last: int = 1) -> np.ndarray:
    """float64: frequency (Hz) at PER_SYMBOL samples a bit of differentially coded bits (TS 45.004 2.3), unfiltered."""
    coded = np.asarray(bits, np.int8) ^ np.concatenate([[last], bits[:-1]]).astype(np.int8)
    return np.repeat(1.0 - 2.0 * coded, PER_SYMBOL) * (SYMBOL_RATE / 4)


def gsm_control(seconds: float, rng: np.random.Generator) -> Transmission:
    """The carrier of a cell's broadcast channel: on without a pause, all slots at one power."""
    cell, first = messages.random_cell(rng), int(rng.integers(FRAMES))
    sent = control_carrier(seconds + 8 * SLOT / SYMBOL_RATE, cell, first, rng)
    start = int(rng.integers(0, int(8 * SLOT * PER_SYMBOL)))
    count = round(seconds * SAMPLE_RATE)
    return transmission(sent[start : start + count], SAMPLE_RATE, BANDWIDTH, "gsm")


def control_carrier(seconds: float, cell: messages.Cell, first: int, rng: np.random.Generator) -> np.ndarray:
    """complex128 [seconds * SAMPLE_RATE or a little more] from frame `first` (0 to FRAMES - 1) on."""
    code = cell.identity_code & 7  # the training sequence of common channels is the colour code of the base station
    neighbours = messages.random_cell(rng).channels
    frames = int(seconds * SYMBOL_RATE / (8 * SLOT)) + 2
    busy = rng.random(8) < rng.uniform(0.0, 0.9)
    control: dict[int, np.ndarray] = {}
    begin = first - first % 51
    for multiframe in range(begin, first + frames, 51):
        control |= _multiframe(multiframe, cell, code, neighbours, rng)
    pieces = []
    for frame in range(first, first + frames):
        for slot in range(8):
            if slot == 0:
                bits = control.get(frame, dummy_burst())
            else:
                bits = traffic_burst(code, rng) if busy[slot] else dummy_burst()
            pieces += [bits, np.ones(8 + (slot % 4 == 0), np.uint8)]
    frequency = gaussian(gmsk(np.concatenate(pieces)), 0.3 * SYMBOL_RATE, SAMPLE_RATE)
    return frequency_modulated(frequency, SAMPLE_RATE, rng.random())


def _multiframe(
    begin: int, cell: messages.Cell, code: int, neighbours: tuple[int, ...], rng: np.random.Generator
) -> dict[int, np.ndarray]:
    """Bursts of slot 0 by frame number, of the 51 frames from `begin` on (TS 45.002, table 3 of clause 7)."""
    bursts = {}
    for place in range(0, 50, 10):
        bursts[begin + place] = frequency_burst()
        bursts[begin + place + 1] = synchronisation_burst(cell.identity_code, (begin + place + 1) % FRAMES)
    for place in (2, 6, 12, 16, 22, 26, 32, 36, 42, 46):
        if place == 2:
            message = messages.broadcast(cell, begin % FRAMES // 51, neighbours)
        elif rng.random() < 0.15:
            message = messages.immediate_assignment(cell, rng)
        else:
            message = messages.paging(rng)
        bursts |= dict(zip(range(begin + place, begin + place + 4), control_block(message, code), strict=True))
    return bursts


def gsm_traffic(seconds: float, rng: np.random.Generator) -> Transmission:
    """A carrier of traffic channels: some of the eight slots are on, each at its own power."""
    on, levels = rng.random(8) < rng.uniform(0.2, 0.9), 10 ** (rng.uniform(-12, 0, 8) / 20)
    return _slots(seconds, rng, on, levels, "gsm-traffic")


def gsm_uplink(seconds: float, rng: np.random.Generator) -> Transmission:
    """One mobile: a burst a frame, now and then silent."""
    on = np.zeros(8, bool)
    on[rng.integers(8)] = True
    return _slots(seconds, rng, on, np.ones(8), "gsm-uplink")


def _slots(seconds: float, rng: np.random.Generator, on: np.ndarray, levels: np.ndarray, kind: str) -> Transmission:
    if not on.any():
        on[rng.integers(8)] = True
    code = int(rng.integers(8))
    eight = rng.random() < 0.15
    count = round(seconds * SAMPLE_RATE)
    total = count + int(16 * SLOT * PER_SYMBOL)
    sent = np.zeros(total, np.complex64)
    for number in range(int(total / (SLOT * PER_SYMBOL))):
        slot = number % 8
        silent = number >= 16 and ((number // 8) % 26 == 25 or rng.random() < 0.05)
        if not on[slot] or silent:
            continue
        burst = _edge(rng) if eight else _burst(traffic_burst(code, rng), rng)
        start = round(number * SLOT * PER_SYMBOL)
        room = min(len(burst), total - start)
        sent[start : start + room] = levels[slot] * burst[:room]
    return transmission(part(sent, count, rng), SAMPLE_RATE, BANDWIDTH, kind)


def _burst(bits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    around = np.concatenate([np.ones(4, np.uint8), bits, np.ones(4, np.uint8)])
    sent = frequency_modulated(gaussian(gmsk(around), 0.3 * SYMBOL_RATE, SAMPLE_RATE), SAMPLE_RATE, rng.random())
    return ramped(sent, 4 * PER_SYMBOL)


def _edge(rng: np.random.Generator) -> np.ndarray:
    """A burst of EDGE: 8PSK turned by 3 pi / 8 a symbol, linearised GMSK pulse (TS 45.004 3)."""
    symbols = np.exp(2j * np.pi * (rng.integers(0, 8, 148) / 8 + np.arange(148) * 3 / 16))
    dense = np.zeros(156 * PER_SYMBOL, complex)
    dense[4 * PER_SYMBOL : 152 * PER_SYMBOL : PER_SYMBOL] = symbols
    t = np.arange(-5 * PER_SYMBOL, 5 * PER_SYMBOL + 1) / PER_SYMBOL
    pulse = np.exp(-((t / 0.93) ** 2))
    return ramped(np.convolve(dense, pulse, "same"), 2 * PER_SYMBOL)
