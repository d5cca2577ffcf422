# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE uplink (3GPP TS 36.211 V15 clause 5): shared and control channel, sounding, random access; 700 to 2600 MHz.

180 kHz to 18 MHz. Coding is not modelled: the bits are random. What is sent lies about the middle of the resource
blocks that are in use, as a receiver finds it, not about the middle of the cell.
"""

import numpy as np

from wfm_core.synth.signals.cellular.uplink import SPACING, fitting, size_of, subframe, width_of, zadoff_chu
from wfm_core.synth.signals.transmission import Transmission, part, transmission

_ACCESS_LENGTH = 839
_ACCESS_SPACING = 1250.0
_ACCESS_PREFIXES = (3168, 21024, 6240, 21024)
_ACCESS_REPEATS = (1, 1, 2, 2)
"""Formats 0 to 3 (table 5.7.1-1), prefixes in units of 1 / 30.72 MHz."""


def lte_uplink(seconds: float, rng: np.random.Generator) -> Transmission:
    """One device, or the users of a cell side by side: each some resource blocks for some subframes, with pauses."""
    blocks = int(rng.choice(fitting((6, 15, 25, 50, 75, 100), seconds)))
    many = 1 if rng.random() < 0.6 else int(rng.integers(2, 6))
    subframes = int(seconds * 1000) + 2
    plans = [_plan(blocks, subframes, rng) for _ in range(many)]
    sounding = (0, blocks - blocks % 4) if rng.random() < 0.2 and blocks > 6 else None
    used = [place for plan in plans for place in plan if place is not None] + ([sounding] if sounding else [])
    low, high = min(first for first, _ in used), max(first + span for first, span in used)
    size, middle = size_of(12 * (high - low)), 6 * (low + high)
    levels = 10 ** (rng.uniform(-10, 0, many) / 20)
    period = int(rng.choice([2, 5, 10, 20]))
    out = np.zeros((subframes, 15 * size), np.complex64)
    for plan, level in zip(plans, levels, strict=True):
        bits = int(rng.choice([2, 2, 4, 6]))
        for number, place in enumerate(plan):
            if place is not None:
                # a device keeps the power of a resource block, wide allocations are stronger
                wave = subframe(12 * place[1], 12 * place[0] - middle, size, (3, 10), bits, rng)
                out[number] += level * np.sqrt(place[1]) * wave
    if sounding:
        out[::period, -(size + size * 144 // 2048) :] = _sounding(sounding, middle, size, rng)
    rate = size * SPACING
    sent = part(out.ravel(), round(seconds * rate), rng)
    return transmission(sent, rate, width_of(12 * (high - low)), "lte-uplink")


def _plan(blocks: int, subframes: int, rng: np.random.Generator) -> list[tuple[int, int] | None]:
    """For each subframe first resource block and how many, or None: full load, voice now and then, or by chance."""
    load = float(rng.choice([0.05, 0.3, 0.7, 1.0]))
    change = float(rng.choice([0.0, 0.1, 0.5]))
    most = 3 if load < 0.1 else blocks
    span, plan = 0, []
    for number in range(subframes):
        if not span or rng.random() < change:
            # numbers of blocks have no prime factors above 5 (clause 5.3.3)
            allowed = [n for n in range(1, most + 1) if 60**6 % n == 0]
            span = int(rng.choice(allowed))
            first = int(rng.integers(0, blocks - span + 1))
        plan.append((first, span) if rng.random() < load or number == subframes // 2 else None)
    return plan


def _sounding(place: tuple[int, int], middle: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """One symbol with its prefix: a Zadoff-Chu sequence on each second subcarrier (clause 5.5.3)."""
    first, span = place
    count = 6 * span
    bins = np.zeros(size, complex)
    turn = np.exp(2j * np.pi * int(rng.integers(8)) / 8 * np.arange(count))
    at = 12 * first - middle + int(rng.integers(2)) + 2 * np.arange(count)
    bins[at % size] = zadoff_chu(count, int(rng.integers(1, 30))) * turn
    body = np.fft.ifft(bins) * size / np.sqrt(count) * np.sqrt(span)
    body = body * np.exp(1j * np.pi * np.arange(size) / size)
    return np.concatenate([-body[size - size * 144 // 2048 :], body])


def lte_control_uplink(seconds: float, rng: np.random.Generator) -> Transmission:
    """A device with nothing but acknowledgements: PUCCH of formats 1 (three references a slot) or 2 (two), on one
    resource block near one edge of the cell in one slot and near the other in the next (clause 5.4)."""
    blocks = int(rng.choice(fitting((6, 15, 25, 50), seconds)))
    inset = int(rng.integers(0, 2))
    low, high = inset, blocks - inset
    size, middle = size_of(12 * (high - low)), 6 * (low + high)
    references = (2, 3, 4) if rng.random() < 0.6 else (1, 5)
    load = rng.uniform(0.2, 1.0)
    root = int(rng.integers(1, 10))
    rows = []
    subframes = int(seconds * 1000) + 2
    for number in range(subframes):
        on = rng.random() < load or number == subframes // 2
        sides = (low, high - 1) if rng.random() < 0.5 else (high - 1, low)
        for side in sides:
            slot = _control_slot(12 * side - middle, size, references, root, rng)
            rows.append(slot if on else np.zeros_like(slot))
    rate = size * SPACING
    sent = part(np.concatenate(rows), round(seconds * rate), rng)
    return transmission(sent, rate, width_of(12 * (high - low)), "lte-pucch")


def _control_slot(first: int, size: int, references: tuple[int, ...], root: int, rng) -> np.ndarray:
    """complex128 [15 * size / 2]: a base sequence in each symbol, its cyclic shift and phase another one each time."""
    data = np.exp(0.5j * np.pi * rng.integers(0, 4))
    pieces = []
    for symbol in range(7):
        if len(references) == 2:
            data = np.exp(0.5j * np.pi * rng.integers(0, 4))
        values = zadoff_chu(12, root) * np.exp(2j * np.pi * int(rng.integers(12)) / 12 * np.arange(12))
        bins = np.zeros(size, complex)
        bins[(first + np.arange(12)) % size] = values * (1 if symbol in references else data)
        body = np.fft.ifft(bins) * size / np.sqrt(12) * np.exp(1j * np.pi * np.arange(size) / size)
        prefix = size * (160 if symbol == 0 else 144) // 2048
        pieces.append(np.concatenate([-body[size - prefix :], body]))
    return np.concatenate(pieces)


def random_access(root: int, shift: int, form: int) -> np.ndarray:
    """complex128 at 1.92 MS/s: preamble of format 0 to 3 (clause 5.7) by sequence `root` (1 to 838), cyclic `shift`."""
    size = round(1.92e6 / _ACCESS_SPACING)
    n = np.arange(_ACCESS_LENGTH)
    sequence = np.roll(np.exp(-1j * np.pi * root * n * (n + 1) / _ACCESS_LENGTH), -shift)
    bins = np.zeros(size, complex)
    bins[(n - _ACCESS_LENGTH // 2) % size] = np.fft.fft(sequence) / np.sqrt(_ACCESS_LENGTH)
    body = np.tile(np.fft.ifft(bins) * size / np.sqrt(_ACCESS_LENGTH), _ACCESS_REPEATS[form])
    prefix = round(_ACCESS_PREFIXES[form] / 16)
    return np.concatenate([body[len(body) - prefix :], body])


def lte_access(seconds: float, rng: np.random.Generator) -> Transmission:
    """Preambles of random access, format 0 mostly, one every few occasions, now and then two at a time."""
    rate = 1.92e6
    form = int(rng.choice([0, 0, 0, 1, 2, 3]))
    root = int(rng.integers(1, _ACCESS_LENGTH))
    shift = int(rng.choice([13, 26, 59, 119]))
    period = round(float(rng.choice([1, 2, 5, 10, 20]) + (form > 0) * 3) * 1e-3 * rate)
    line = np.zeros(round(seconds * rate) + 2 * period, np.complex128)
    for place in range(0, len(line) - period, period):
        if place and rng.random() < 0.4:
            continue
        for _ in range(1 if rng.random() < 0.8 else 2):
            preamble = random_access(root, shift * int(rng.integers(0, _ACCESS_LENGTH // shift)), form)
            end = min(place + len(preamble), len(line))
            line[place:end] += preamble[: end - place]
    return transmission(part(line, round(seconds * rate), rng), rate, 1.06e6, "lte-prach")
