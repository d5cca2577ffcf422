# SPDX-License-Identifier: GPL-3.0-or-later
"""A person between an OFDM transmitter and its receiver: the channel of each packet, and its CSI.

The room has a few paths that stand still; the person is one more, whose phase turns as its length changes: by one turn
a wavelength (2.4 GHz, 0.125 m). Walking lengthens or shortens it steadily, with a sway; waving moves it to and fro.
"""

import numpy as np

ACTIVITIES = ("empty", "walking", "waving")
PACKET_RATE = 100.0
"""Packets a second."""
FFT_LEN = 64
SUBCARRIERS = tuple(list(range(6, 32)) + list(range(33, 59)))
"""Used carriers of gr-digital's OFDM, of 64 in rising order; the 32nd is 0 Hz."""
PERSON_DELAY = 1
"""Samples by which the person's path is longer than the direct one."""

_TAPS = 4
_WAVELENGTH = 0.125


def draw_room(generator: np.random.Generator) -> np.ndarray:
    """The paths that stand still as taps of a filter, complex64 [4]; the direct one is the first, and is 1."""
    decay = 10 ** (-np.arange(1, _TAPS) * generator.uniform(4, 8) / 20)
    phases = np.exp(2j * np.pi * generator.random(_TAPS - 1))
    return np.concatenate([[1.0], 0.5 * decay * phases]).astype(np.complex64)


def person_gain(activity: str, seconds: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The gain of the person's path at the times `seconds` (rising), complex64 of their shape."""
    if activity == "empty":
        return np.zeros(len(seconds), np.complex64)
    strength = generator.uniform(0.25, 0.6)
    start, sway = generator.random(2) * 2 * np.pi
    if activity == "walking":
        speed = generator.uniform(0.7, 1.4) * generator.choice([-1, 1])
        steps = generator.uniform(1.6, 2.1)
        metres = 2 * speed * seconds + 0.04 * np.sin(2 * np.pi * steps * seconds + sway)
    else:
        metres = 2 * generator.uniform(0.06, 0.12) * np.sin(2 * np.pi * generator.uniform(1.1, 1.8) * seconds + sway)
    return (strength * np.exp(1j * (2 * np.pi * metres / _WAVELENGTH + start))).astype(np.complex64)


def script(seconds: float, each: float, activities=("walking", "empty", "waving", "empty")) -> list[tuple]:
    """What goes on when: (activity, begin, end) in seconds, `each` long, in turn until `seconds`."""
    begins = np.arange(0, seconds - 1e-9, each)
    return [(activities[i % len(activities)], float(b), float(min(b + each, seconds))) for i, b in enumerate(begins)]


def describe(what: list[tuple]) -> str:
    """A script as one sentence."""
    return ", ".join(f"{activity} {begin:g} to {end:g} s" for activity, begin, end in what)


def scripted_gain(what: list[tuple], steps_per_packet: int, seed: int) -> np.ndarray:
    """The gain of the person's path over a script, complex64, `steps_per_packet` values a packet."""
    generator = np.random.default_rng(seed)
    rate = steps_per_packet * PACKET_RATE
    return np.concatenate([person_gain(a, np.arange(round((e - b) * rate)) / rate, generator) for a, b, e in what])


def csi_amplitudes(activity: str, count: int, packets: int, generator: np.random.Generator) -> np.ndarray:
    """Windows of CSI, each in another room and with a noise of its own: float32 [count, 1, subcarriers, packets]."""
    turn = np.exp(-2j * np.pi * np.outer(np.array(SUBCARRIERS) - FFT_LEN // 2, np.arange(_TAPS)) / FFT_LEN)
    seconds = np.arange(packets) / PACKET_RATE
    windows = np.empty((count, 1, len(SUBCARRIERS), packets), np.float32)
    for window in windows:
        still = turn @ draw_room(generator)
        moving = np.outer(turn[:, PERSON_DELAY], person_gain(activity, seconds, generator))
        noise = generator.standard_normal((2, *moving.shape)) * 10 ** (-generator.uniform(20, 35) / 20) / np.sqrt(2)
        window[0] = np.abs(still[:, None] + moving + noise[0] + 1j * noise[1])
    return windows
