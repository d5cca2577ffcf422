# SPDX-License-Identifier: GPL-3.0-or-later
"""Traffic on a WiFi channel: bursts, their acknowledgements after SIFS, beacons, back-offs (IEEE 802.11-2020, 10.3).

802.11b, a/g and n; widths and bands stand in `wifi_dsss` and `wifi_ofdm`.
"""

from collections.abc import Callable

import numpy as np

from wfm_core.synth.signals.placing import filled
from wfm_core.synth.signals.short_range import wifi_dsss, wifi_frames
from wfm_core.synth.signals.short_range.wifi_ofdm import RATES, Modulator
from wfm_core.synth.signals.transmission import Transmission, transmission

_MOST_EXCHANGES = 10  # distinct ones; after them the same are repeated


def dsss(seconds: float, rng: np.random.Generator) -> Transmission:
    rolloff, short = rng.uniform(0.3, 0.8), rng.random() < 0.3
    fastest = rng.choice([1.0, 2.0, 5.5, 11.0])

    def sent(psdu: bytes, control: bool) -> np.ndarray:
        megabits = float(min(fastest, 2.0) if control else fastest)
        megabits = int(megabits) if megabits != 5.5 else megabits
        return wifi_dsss.burst(psdu, megabits, short and megabits != 1, rolloff)

    line = _traffic(seconds, wifi_dsss.SAMPLE_RATE, sent, rng, basic=1.0 / 8, dsss=True)
    return transmission(line, wifi_dsss.SAMPLE_RATE, 15e6, "11b")


def legacy(seconds: float, rng: np.random.Generator) -> Transmission:
    modulator, rate = Modulator(), int(rng.choice(list(RATES)))

    def sent(psdu: bytes, control: bool) -> np.ndarray:
        basic = max(megabits for megabits in (6, 12, 24) if megabits <= rate)
        return modulator.legacy(psdu, basic if control else rate, int(rng.integers(1, 128)))

    line = _traffic(seconds, modulator.sample_rate, sent, rng, basic=rate / 8)
    return transmission(line, modulator.sample_rate, 17e6, "11g")


def ht20(seconds: float, rng: np.random.Generator) -> Transmission:
    return _ht(seconds, rng, wide=False)


def ht40(seconds: float, rng: np.random.Generator) -> Transmission:
    return _ht(seconds, rng, wide=True)


def _ht(seconds: float, rng: np.random.Generator, wide: bool) -> Transmission:
    modulator, mcs, short_guard = Modulator(wide), int(rng.integers(0, 8)), bool(rng.random() < 0.4)

    def sent(psdu: bytes, control: bool) -> np.ndarray:
        seed = int(rng.integers(1, 128))
        if control:
            return modulator.legacy(psdu, 24 if mcs > 3 else 6, seed)
        return modulator.ht(psdu, mcs, seed, short_guard, aggregated=len(psdu) > 2000)

    line = _traffic(seconds, modulator.sample_rate, sent, rng, basic=(1 + wide) * (0.8 + mcs), aggregate=True)
    return transmission(line, modulator.sample_rate, 37e6 if wide else 18.2e6, "ht40" if wide else "ht20")


def _traffic(
    seconds: float,
    rate: float,
    sent: Callable[[bytes, bool], np.ndarray],
    rng: np.random.Generator,
    basic: float,
    dsss: bool = False,
    aggregate: bool = False,
) -> np.ndarray:
    """A channel with one cell of an access point and up to four stations. basic: bytes a microsecond."""
    stations = [wifi_frames.address(rng) for _ in range(rng.integers(2, 6))]
    levels = 10 ** (-rng.exponential(4, len(stations)) / 20)
    levels[0] = max(levels[0], 0.5)
    beacons_only = rng.random() < 0.2
    idle = 0.1024 if beacons_only else 10 ** rng.uniform(-4.5, -1.7)  # s
    sifs, slot = 10e-6, 9e-6
    made: list[np.ndarray] = []

    def one(psdu: bytes, control: bool, who: int) -> np.ndarray:
        turn = np.exp(2j * np.pi * rng.random()) * levels[who]
        return sent(psdu, control) * np.complex64(turn)

    def exchange() -> np.ndarray:
        if len(made) >= _MOST_EXCHANGES:
            return made[rng.integers(len(made))]
        pieces = _exchange(stations, rng, basic, dsss, aggregate, beacons_only)
        line = []
        for psdu, control, who in pieces:
            line += [one(psdu, control, who), np.zeros(round((sifs + rng.uniform(0, 1e-6)) * rate), np.complex64)]
        made.append(np.concatenate(line[:-1]))
        return made[-1]

    def gap() -> float:
        backoff = 28e-6 + slot * rng.integers(0, 32)
        quiet = idle - 1e-3 * (rng.random() < 0.5) * rng.random() if beacons_only else rng.exponential(idle)
        return (backoff + quiet) * rate

    return filled(round(seconds * rate), exchange, gap, rng)


def _exchange(stations, rng, basic, dsss, aggregate, beacons_only) -> list[tuple[bytes, bool, int]]:
    """What follows each other after SIFS: (PSDU, whether at a basic rate, station)."""
    kind = rng.random()
    if beacons_only or kind < 0.15:
        return [(wifi_frames.beacon(stations[0], rng, dsss), True, 0)]
    if kind < 0.22:
        return [(wifi_frames.probe_request(stations[1], rng), True, 1)]
    who = int(rng.integers(len(stations)))
    whom = int(rng.integers(1, len(stations))) if who == 0 else 0
    longest = min(1500, int(basic * 4000))
    length = int(rng.choice([rng.integers(20, 120), rng.integers(20, 1500), 1460]))
    psdu = wifi_frames.data(stations[who], stations[whom], min(length, longest), rng)
    answer = (wifi_frames.acknowledgement(stations[who]), True, whom)
    if aggregate and rng.random() < 0.5:
        # An A-MPDU: subframes behind delimiters (9.7.1), answered by a block acknowledgement.
        subframes = int(rng.integers(2, 12))
        frame = psdu + bytes(-len(psdu) % 4)
        psdu = b"".join(len(psdu).to_bytes(2, "little") + b"\x00\x4e" + frame for _ in range(subframes))
        answer = (wifi_frames.block_acknowledgement(stations[whom], stations[who], rng), True, whom)
    pieces = [(psdu, False, who), answer] if rng.random() < 0.95 else [(psdu, False, who)]
    if rng.random() < 0.1:
        asked = (wifi_frames.request_to_send(stations[who], stations[whom], 500), True, who)
        pieces = [asked, (wifi_frames.clear_to_send(stations[who], 400), True, whom), *pieces]
    return pieces
