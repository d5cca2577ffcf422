# SPDX-License-Identifier: GPL-3.0-or-later
"""WiFi's OFDM bursts, coded: 802.11a and g (IEEE 802.11-2020, clause 17), n of 20 and 40 MHz, one stream (clause 19).

Bandwidth that holds 99 % of the power: 17 MHz (legacy), 18.2 MHz (HT, 20 MHz), 37 MHz (40 MHz); bands at 2.4 and 5 GHz.
"""

from functools import lru_cache

import numpy as np

from wfm_core.synth.signals.bits import bits_of, convolutional, crc, number_bits

SPACING = 312.5e3
RATES = {  # Mb/s: bits a subcarrier, code rate, RATE field (table 17-6)
    6: (1, (1, 2), 0b1101),
    9: (1, (3, 4), 0b1111),
    12: (2, (1, 2), 0b0101),
    18: (2, (3, 4), 0b0111),
    24: (4, (1, 2), 0b1001),
    36: (4, (3, 4), 0b1011),
    48: (6, (2, 3), 0b0001),
    54: (6, (3, 4), 0b0011),
}
MCS = ((1, (1, 2)), (2, (1, 2)), (2, (3, 4)), (4, (1, 2)), (4, (3, 4)), (6, (2, 3)), (6, (3, 4)), (6, (5, 6)))
_PUNCTURED = {(1, 2): (1, 1), (2, 3): (1, 1, 1, 0), (3, 4): (1, 1, 1, 0, 0, 1), (5, 6): (1, 1, 1, 0, 0, 1, 1, 0, 0, 1)}
_LEFT = "11--11-1-111111--11-1-1111"
_RIGHT = "1--11-1-1-----11--1-1-1111"
_SHORT = {-24: 1, -20: -1, -16: 1, -12: -1, -8: -1, -4: 1, 4: -1, 8: -1, 12: 1, 16: 1, 20: 1, 24: 1}
_GRAY = {1: (-1, 1), 2: (-3, -1, 3, 1), 3: (-7, -5, -1, -3, 7, 5, 1, 3)}
_LEGACY = [k for k in range(-26, 27) if k not in (-21, -7, 0, 7, 21)]
_HT20 = [k for k in range(-28, 29) if k not in (-21, -7, 0, 7, 21)]
_HT40 = [k for k in range(-58, 59) if abs(k) > 1 and abs(k) not in (11, 25, 53)]


def scrambling(seed: int, count: int) -> np.ndarray:
    """Bits of x^7 + x^4 + 1 from a state of 7 bits (17.3.5.5)."""
    return np.resize(_scrambler_period(seed), count)


@lru_cache(maxsize=128)
def _scrambler_period(seed: int) -> np.ndarray:
    out, state = np.zeros(127, np.uint8), seed
    for place in range(127):
        bit = (state >> 6 ^ state >> 3) & 1
        out[place] = bit
        state = (state << 1 | bit) & 127
    return out


def coded(bits: np.ndarray, rate: tuple[int, int]) -> np.ndarray:
    """Convolutional code of 133 and 171 (octal), punctured (17.3.5.6, 19.3.11.6)."""
    out = convolutional(bits, (0o133, 0o171), 6)
    keep = np.resize(np.array(_PUNCTURED[rate], bool), len(out))
    return out[keep]


@lru_cache(maxsize=32)
def interleaving(count: int, per_carrier: int, columns: int) -> np.ndarray:
    """Where bit k of a symbol goes (17.3.5.7 with 16 columns, 19.3.11.8.1 with 13 or 18)."""
    k = np.arange(count)
    i = count // columns * (k % columns) + k // columns
    s = max(per_carrier // 2, 1)
    return s * (i // s) + (i + count - columns * i // count) % s


def mapped(bits: np.ndarray, per_carrier: int) -> np.ndarray:
    """complex128: Gray-coded BPSK to 64-QAM of unit power (17.3.5.8)."""
    if per_carrier == 1:
        return (2.0 * bits - 1).astype(np.complex128)
    half = per_carrier // 2
    weights = 1 << np.arange(half)[::-1]
    table = np.array(_GRAY[half], float)
    values = table[bits.reshape(-1, 2, half).astype(np.int64) @ weights]
    return (values[:, 0] + 1j * values[:, 1]) / np.sqrt(2 * np.mean(table**2))


def symbols(bits: np.ndarray, per_carrier: int, rate, carriers: list[int], columns: int) -> np.ndarray:
    """complex128 [symbols, carriers]: bits coded, interleaved and mapped."""
    stream = coded(bits, rate)
    size = len(carriers) * per_carrier
    rows = stream.reshape(-1, size)
    placed = np.empty_like(rows)
    placed[:, interleaving(size, per_carrier, columns)] = rows
    return mapped(placed.ravel(), per_carrier).reshape(-1, len(carriers))


def data_bits(psdu: bytes, per_symbol: int, seed: int) -> np.ndarray:
    """SERVICE, PSDU, tail and pad, scrambled but for the tail (17.3.5.3)."""
    count = 16 + 8 * len(psdu) + 6
    total = -(-count // per_symbol) * per_symbol
    bits = np.zeros(total, np.uint8)
    bits[16 : count - 6] = bits_of(psdu, lsb_first=True)
    bits ^= scrambling(seed, total)
    bits[count - 6 : count] = 0
    return bits


def signal_bits(megabits: int, length: int) -> np.ndarray:
    """24 bits of the SIGNAL field (17.3.4)."""
    head = np.concatenate([number_bits(RATES[megabits][2], 4), [0], number_bits(length, 12, lsb_first=True)])
    return np.concatenate([head, [head.sum() & 1], np.zeros(6)]).astype(np.uint8)


def ht_signal_bits(mcs: int, length: int, wide: bool, short_guard: bool, aggregated: bool) -> np.ndarray:
    """48 bits of HT-SIG (19.3.9.4.3)."""
    head = np.concatenate(
        [
            number_bits(mcs, 7, lsb_first=True),
            [wide],
            number_bits(length, 16, lsb_first=True),
            [1, 1, 1, aggregated, 0, 0, 0, short_guard, 0, 0],
        ]
    ).astype(np.uint8)
    check = number_bits(crc(head, 0x07, 8, 0xFF, 0xFF), 8)
    return np.concatenate([head, check, np.zeros(6, np.uint8)])


class Modulator:
    """OFDM symbols to samples at `oversampling` times 20 MS/s (twice that when `wide`)."""

    def __init__(self, wide: bool = False, oversampling: float = 1.5):
        self.wide = wide
        self.size = round((128 if wide else 64) * oversampling)
        self.sample_rate = self.size * SPACING

    def legacy(self, psdu: bytes, megabits: int, seed: int = 93) -> np.ndarray:
        """complex64: preamble, SIGNAL, data; on both halves when wide (non-HT duplicate)."""
        per_carrier, rate, _ = RATES[megabits]
        per_symbol = 48 * per_carrier * rate[0] // rate[1]
        rows = np.concatenate(
            [
                symbols(signal_bits(megabits, len(psdu)), 1, (1, 2), _LEGACY, 16),
                symbols(data_bits(psdu, per_symbol, seed), per_carrier, rate, _LEGACY, 16),
            ]
        )
        body = self._cyclic(self._twice(self._legacy_grid(rows, 0)), 0.25) / np.sqrt(52)
        return self._joined([self._training(), body])

    def ht(self, psdu: bytes, mcs: int, seed=93, short_guard=False, aggregated=False) -> np.ndarray:
        """complex64: HT-mixed format: legacy preamble, L-SIG, HT-SIG, HT-STF, HT-LTF, data."""
        per_carrier, rate = MCS[mcs]
        carriers, columns = (_HT40, 18) if self.wide else (_HT20, 13)
        per_symbol = len(carriers) * per_carrier * rate[0] // rate[1]
        rows = symbols(data_bits(psdu, per_symbol, seed), per_carrier, rate, carriers, columns)
        period = 3.6 if short_guard else 4.0
        spoofed = 3 * int(np.ceil((8 + 4 + 4 + period * len(rows)) / 4)) - 3
        signal = symbols(signal_bits(6, min(spoofed, 4095)), 1, (1, 2), _LEGACY, 16)
        bits = ht_signal_bits(mcs, len(psdu), self.wide, short_guard, aggregated)
        head = self._legacy_grid(np.concatenate([signal, 1j * symbols(bits, 1, (1, 2), _LEGACY, 16)]), 0)
        # Beyond L-SIG the pilots of HT-SIG are not turned with its data.
        pilots = self._legacy_grid(np.zeros((3, 48)), 0)
        head = np.where(pilots != 0, pilots, head)
        training = self._twice(self._grid({k: v * (1 + 1j) for k, v in _SHORT.items()}) * np.sqrt(13 / 6))
        short = self._cyclic(training, 0.25) / np.sqrt(52)
        long = self._grid(_sequence40() if self.wide else _sequence20())
        scale = 1 / np.sqrt(114 if self.wide else 56)
        body = self._cyclic(self._rotated(self._ht_grid(rows, carriers)), 0.125 if short_guard else 0.25) * scale
        return self._joined(
            [
                self._training(),
                self._cyclic(self._twice(head), 0.25) / np.sqrt(52),
                short,
                self._cyclic(self._rotated(long), 0.25) * scale,
                body,
            ]
        )

    def _joined(self, pieces: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(pieces).astype(np.complex64)

    def _training(self) -> np.ndarray:
        """Ten short and two long training symbols (17.3.3)."""
        short = self._twice(self._grid({k: v * (1 + 1j) for k, v in _SHORT.items()}) * np.sqrt(13 / 6))
        long = self._twice(self._grid(_sequence_legacy()))
        once, twice = self._time(short)[0], self._time(long)[0]
        half = self.size // 2
        return np.concatenate([np.tile(once, 3)[: self.size * 5 // 2], twice[-half:], twice, twice]) / np.sqrt(52)

    def _grid(self, values: dict[int, complex]) -> np.ndarray:
        row = np.zeros((1, self.size), np.complex128)
        for carrier, value in values.items():
            row[0, carrier] = value
        return row

    def _legacy_grid(self, rows: np.ndarray, first: int) -> np.ndarray:
        grid = np.zeros((len(rows), self.size), np.complex128)
        grid[:, _LEGACY] = rows
        polarity = 1.0 - 2.0 * scrambling(127, first + len(rows))[first:]
        grid[:, [-21, -7, 7, 21]] = polarity[:, None] * np.array([1, 1, 1, -1])
        return grid

    def _ht_grid(self, rows: np.ndarray, carriers: list[int]) -> np.ndarray:
        grid = np.zeros((len(rows), self.size), np.complex128)
        grid[:, carriers] = rows
        places = [-53, -25, -11, 11, 25, 53] if self.wide else [-21, -7, 7, 21]
        pattern = np.array([1, 1, 1, -1, -1, 1] if self.wide else [1, 1, 1, -1])
        number = np.arange(len(rows))
        turned = pattern[(number[:, None] + np.arange(len(pattern))) % len(pattern)]
        polarity = 1.0 - 2.0 * scrambling(127, len(rows) + 3)[3:]
        grid[:, places] = polarity[:, None] * turned
        return grid

    def _twice(self, grid: np.ndarray) -> np.ndarray:
        """A 20 MHz grid on both halves of a wide channel, the upper a quarter turn ahead (19.3.9.3)."""
        if not self.wide:
            return grid
        return (np.roll(grid, -32, 1) + 1j * np.roll(grid, 32, 1)) / np.sqrt(2)

    def _rotated(self, grid: np.ndarray) -> np.ndarray:
        if self.wide:
            grid = grid.copy()
            grid[:, 1 : self.size // 2] *= 1j
        return grid

    def _time(self, grid: np.ndarray) -> np.ndarray:
        return np.fft.ifft(grid, norm="forward", axis=1)

    def _cyclic(self, grid: np.ndarray, share: float) -> np.ndarray:
        body = self._time(grid)
        prefix = round(self.size * share)
        return np.concatenate([body[:, -prefix:], body], 1).ravel()


def _sequence_legacy() -> dict[int, int]:
    return _signs(_LEFT + "0" + _RIGHT, 26)


def _sequence20() -> dict[int, int]:
    return _signs("11" + _LEFT + "0" + _RIGHT + "--", 28)


def _sequence40() -> dict[int, int]:
    half = _LEFT + "1" + _RIGHT
    return _signs(half + "---1000-11-" + half, 58)


def _signs(text: str, reach: int) -> dict[int, int]:
    return {place - reach: {"1": 1, "-": -1, "0": 0}[sign] for place, sign in enumerate(text)}
