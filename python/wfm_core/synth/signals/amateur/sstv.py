# SPDX-License-Identifier: GPL-3.0-or-later
"""Slow-scan television (J. Barber, Proposal for SSTV Mode Specifications, 2000), in a sideband and in FM.

Tones: 1200 Hz sync, 1500 (black) to 2300 Hz (white). In the upper sideband 1.3 kHz hold 99 % of the power, at 3.73,
7.165, 14.23 and 21.34 MHz; in FM 7 to 15 kHz, 144.5, 145.8 (space station) and 434 MHz. Header with the mode's number
(VIS), then lines: Martin and Scottie send green, blue, red; Robot and PD luminance and colour differences.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wfm_core.synth.signals.content import picture
from wfm_core.synth.signals.keying import frequency_modulated, ramped
from wfm_core.synth.signals.transmission import Transmission, on_air, transmission

SIDEBAND_RATE = 4000.0
FM_RATE = 24e3
LEADER = 1900.0
CENTRE = 1750.0
"""The tone that is sent at 0 Hz: the middle between sync and white."""
SYNC, BLACK, WHITE = 1200.0, 1500.0, 2300.0
_Segment = tuple[float, np.ndarray]
"""Milliseconds, and the tones (Hz) that share them."""


@dataclass(frozen=True)
class Mode:
    """number: of the VIS; lines(image [height, width, 3], at): segments of the line, or pair of lines, at row `at`."""

    name: str
    number: int
    height: int
    width: int
    step: int
    lines: Callable[[np.ndarray, int], list[_Segment]]


def _tone(milliseconds: float, frequency: float) -> _Segment:
    return milliseconds, np.array([frequency])


def _scan(milliseconds: float, values: np.ndarray) -> _Segment:
    return milliseconds, BLACK + (WHITE - BLACK) * np.clip(values, 0, 1)


def _differences(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Luminance, R-Y and B-Y of rows [..., 3], 0..1 (ITU-R BT.601)."""
    red, green, blue = rows[..., 0], rows[..., 1], rows[..., 2]
    luminance = (16 + 65.481 * red + 128.553 * green + 24.966 * blue) / 255
    red_difference = (128 + 112.439 * red - 94.154 * green - 18.285 * blue) / 255
    return luminance, red_difference, (128 - 37.945 * red - 74.494 * green + 112.439 * blue) / 255


def _martin(scan: float):
    def lines(image: np.ndarray, at: int) -> list[_Segment]:
        gap = _tone(0.572, BLACK)
        out = [_tone(4.862, SYNC), gap]
        for colour in (1, 2, 0):
            out += [_scan(scan, image[at, :, colour]), gap]
        return out

    return lines


def _scottie(scan: float):
    def lines(image: np.ndarray, at: int) -> list[_Segment]:
        gap = _tone(1.5, BLACK)
        start = [_tone(9.0, SYNC)] if at == 0 else []
        green, blue, red = (_scan(scan, image[at, :, colour]) for colour in (1, 2, 0))
        return [*start, gap, green, gap, blue, _tone(9.0, SYNC), gap, red]

    return lines


def _robot_36(image: np.ndarray, at: int) -> list[_Segment]:
    luminance, red, blue = _differences(image[at])
    chroma, separator = (blue, WHITE) if at % 2 else (red, BLACK)
    return [_tone(9.0, SYNC), _tone(3.0, BLACK), _scan(88.0, luminance), _tone(4.5, separator), _tone(1.5, LEADER),
            _scan(44.0, chroma)]  # fmt: skip


def _robot_72(image: np.ndarray, at: int) -> list[_Segment]:
    luminance, red, blue = _differences(image[at])
    return [_tone(9.0, SYNC), _tone(3.0, BLACK), _scan(138.0, luminance), _tone(4.5, BLACK), _tone(1.5, LEADER),
            _scan(69.0, red), _tone(4.5, WHITE), _tone(1.5, LEADER), _scan(69.0, blue)]  # fmt: skip


def _pd(scan: float):
    def lines(image: np.ndarray, at: int) -> list[_Segment]:
        luminance, red, blue = _differences(image[at : at + 2])
        return [_tone(20.0, SYNC), _tone(2.08, BLACK), _scan(scan, luminance[0]), _scan(scan, red.mean(0)),
                _scan(scan, blue.mean(0)), _scan(scan, luminance[1])]  # fmt: skip

    return lines


MODES = (
    Mode("martin1", 44, 256, 320, 1, _martin(146.432)), Mode("martin2", 40, 256, 320, 1, _martin(73.216)),
    Mode("scottie1", 60, 256, 320, 1, _scottie(138.24)), Mode("scottie2", 56, 256, 320, 1, _scottie(88.064)),
    Mode("robot36", 8, 240, 320, 1, _robot_36), Mode("robot72", 12, 240, 320, 1, _robot_72),
    Mode("pd90", 99, 256, 320, 2, _pd(170.24)), Mode("pd120", 95, 496, 640, 2, _pd(121.6)),
    Mode("pd180", 96, 496, 640, 2, _pd(183.04)),
)  # fmt: skip


def header(number: int) -> list[_Segment]:
    """Leader and vertical interval signalling: seven bits, lowest first, and even parity."""
    bits = [number >> place & 1 for place in range(7)]
    bits.append(sum(bits) & 1)
    out = [_tone(300.0, LEADER), _tone(10.0, SYNC), _tone(300.0, LEADER), _tone(30.0, SYNC)]
    return [*out, *(_tone(30.0, 1100.0 if bit else 1300.0) for bit in bits), _tone(30.0, SYNC)]


def tones_of(segments: list[_Segment], sample_rate: float) -> np.ndarray:
    """Tone (Hz) at each sample; edges at their own times, not at whole samples."""
    lengths = np.concatenate([np.full(len(values), time / 1e3 / len(values)) for time, values in segments])
    values = np.concatenate([values for _, values in segments])
    ends = np.cumsum(lengths)
    places = np.searchsorted(ends, np.arange(int(ends[-1] * sample_rate)) / sample_rate, side="right")
    return values[np.minimum(places, len(values) - 1)]


def whole(mode: Mode, image: np.ndarray) -> list[_Segment]:
    """A transmission of an image [height, width, 3], 0..1."""
    segments = header(mode.number)
    for at in range(0, mode.height, mode.step):
        segments += mode.lines(image, at)
    return segments


def _image(mode: Mode, rng: np.random.Generator) -> np.ndarray:
    """A picture (made small, for speed, and enlarged), at times with a caption's bar or colour bars."""
    small = picture(mode.height // 4, mode.width // 4, rng)
    image = small.repeat(4, 0).repeat(4, 1)
    if rng.random() < 0.4:
        bar = slice(0, 16) if rng.random() < 0.7 else slice(int(rng.integers(0, mode.height - 16)), None)
        image[bar] = rng.integers(0, 2, (1, mode.width // 8, 1)).repeat(8, 1)
    if rng.random() < 0.1:
        bars = np.array([[n >> 1 & 1, n >> 2 & 1, n & 1] for n in range(7, -1, -1)], np.float64)
        image[:] = bars.repeat(mode.width // 8, 0)
    return np.clip(image + rng.uniform(0, 0.03) * rng.standard_normal(image.shape), 0, 1)


def _excerpt(mode: Mode, seconds: float, rng: np.random.Generator) -> list[_Segment]:
    """Enough of a transmission for `seconds`: the begin, some of the middle, or the end."""
    image = _image(mode, rng)
    line = sum(time for time, _ in mode.lines(image, mode.step)) / 1e3
    count = int(seconds / line) + 3
    rows = mode.height // mode.step
    place = rng.random()
    if place < 0.3:
        start, segments = 0, [_tone(rng.uniform(1, 300), LEADER), *header(mode.number)]
    else:
        start, segments = (int(rng.integers(0, max(rows - count, 1))) if place < 0.9 else max(rows - count, 0)), []
    for row in range(start, min(start + count, rows)):
        segments += mode.lines(image, row * mode.step)
    return segments


def _mode(rng: np.random.Generator) -> Mode:
    return MODES[int(rng.integers(len(MODES)))]


def in_sideband(tones: np.ndarray) -> np.ndarray:
    """Tones in the upper sideband, CENTRE at 0 Hz."""
    return ramped(frequency_modulated(tones - CENTRE, SIDEBAND_RATE), round(0.004 * SIDEBAND_RATE))


def in_fm(tones: np.ndarray, deviation: float) -> np.ndarray:
    """Tones in FM, with some carrier before and after."""
    audio = np.pad(np.sin(2 * np.pi * np.cumsum(tones) / FM_RATE), round(0.05 * FM_RATE))
    return ramped(frequency_modulated(audio * deviation, FM_RATE), 100)


def sideband(seconds: float, rng: np.random.Generator) -> Transmission:
    """Shortwave, some stations a little off."""
    skew = 1 + rng.uniform(-2e-4, 2e-4)
    x = in_sideband(tones_of(_excerpt(_mode(rng), seconds, rng), SIDEBAND_RATE * skew))
    line = on_air([x], [0], round(seconds * SIDEBAND_RATE), rng)
    return transmission(line * np.exp(2j * np.pi * rng.random()), SIDEBAND_RATE, 1300.0, "sstv-usb")


def fm(seconds: float, rng: np.random.Generator) -> Transmission:
    """VHF and the space station."""
    deviation = rng.uniform(1.5, 5.0) * 1e3
    x = in_fm(tones_of(_excerpt(_mode(rng), seconds, rng), FM_RATE), deviation)
    line = on_air([x], [0], round(seconds * FM_RATE), rng)
    bandwidth = 2 * (deviation + 2300)
    return transmission(line * np.exp(2j * np.pi * rng.random()), FM_RATE, bandwidth, "sstv-fm")
