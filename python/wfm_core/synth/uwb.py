# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic responses of ultra-wideband anchors on the walls of a room to a tag in it, and multilateration.

Nothing here was received. A room of 10 x 8 x 3 m has eight anchors; paths are those of the image method (Allen and
Berkley, Journal of the Acoustical Society of America 65, 1979) up to two reflections from walls, floor and ceiling,
whose reflectivity is drawn once for each room, as are three screens that stand in it and weaken direct paths behind
them by 10 dB. After these paths comes a diffuse tail that falls by e in 15 ns, as rays of IEEE 802.15.4a channels do
(Molisch et al., IEEE Transactions on Antennas and Propagation 54, 2006). Responses are sampled at 998.4 MHz, a band of
499.2 MHz wide, as those of a DW1000 are. The anchors share a clock, the tag's is not known: `jitter` samples at random
shift all eight.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

SIZE = np.array([10.0, 8.0, 3.0])
"""Metres."""
ANCHORS = np.array(
    [[0.2, 0.2, 2.6], [9.8, 0.2, 2.2], [0.2, 7.8, 2.2], [9.8, 7.8, 2.6],
     [5.0, 0.2, 0.8], [5.0, 7.8, 0.8], [0.2, 4.0, 1.5], [9.8, 4.0, 1.5]]
)  # fmt: skip
SAMPLE_RATE = 2 * 499.2e6
SAMPLES = 128

_LIGHT = 299792458.0
_CARRIER = 3993.6e6  # channel 2
_ORDER = 2
_SCREEN = 10 ** (-10 / 20)
_TAIL, _TAIL_SHARE = 15e-9, 0.1
_LEAD = 8
"""Samples before the nearest anchor could hear a tag beside it."""


@dataclass(frozen=True)
class Room:
    """Reflectivity [6] of the walls at x, y and z of 0 and of the other end; screens, their ends [n, 2, 2] on the
    floor."""

    reflectivity: np.ndarray
    screens: np.ndarray


def draw_room(random: np.random.Generator) -> Room:
    """A room with walls of its own and three screens of 1 to 2.5 m."""
    middle = random.uniform([2, 2], [8, 6], (3, 2))
    angle, half = random.uniform(0, np.pi, 3), random.uniform(0.5, 1.25, 3)
    along = half[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return Room(random.uniform(0.3, 0.8, 6), np.stack([middle - along, middle + along], 1))


def draw_places(count: int, random: np.random.Generator) -> np.ndarray:
    """Places of a tag, [count, 3] in metres: anywhere half a metre from the walls, 0.8 to 1.6 m high."""
    return random.uniform([0.5, 0.5, 0.8], [SIZE[0] - 0.5, SIZE[1] - 0.5, 1.6], (count, 3))


def responses(
    room: Room,
    places: np.ndarray,
    random: np.random.Generator,
    samples: int = SAMPLES,
    snr_db: float = 25.0,
    jitter: float = 4.0,
) -> np.ndarray:
    """complex64 [n, 8, samples] of tags at `places` [n, 3]; the SNR is that of the strongest path at 5 m."""
    spectrum = np.zeros((len(places), len(ANCHORS), samples), np.complex128)
    frequency = np.fft.fftfreq(samples) * SAMPLE_RATE
    clock = _LEAD + random.uniform(0, jitter, len(places))
    for image, gain in _images(room, places):
        metres = np.linalg.norm(image[:, None] - ANCHORS, axis=2)
        weakened = gain * _behind(room, image, places) * 5 / np.maximum(metres, 0.3)
        delay = metres / _LIGHT + clock[:, None] / SAMPLE_RATE
        turns = delay[..., None] * frequency + (metres * _CARRIER / _LIGHT)[..., None]
        spectrum += weakened[..., None] * np.exp(-2j * np.pi * turns)
    band = np.where(np.abs(frequency) < SAMPLE_RATE / 4, np.cos(np.pi * frequency / (SAMPLE_RATE / 2)), 0.0)
    x = np.fft.ifft(spectrum * band, axis=2)
    x = x / (band.sum() / samples)
    first = np.linalg.norm(places[:, None] - ANCHORS, axis=2) / _LIGHT * SAMPLE_RATE + clock[:, None]
    since = (np.arange(samples) - first[..., None]) / SAMPLE_RATE
    fall = np.where(since > 0, np.exp(-since.clip(0) / (2 * _TAIL)), 0.0) * _TAIL_SHARE
    x = x + fall * _normal(x.shape, random) + 10 ** (-snr_db / 20) * _normal(x.shape, random)
    return x.astype(np.complex64)


def arrivals(x: np.ndarray, share: float = 0.35) -> np.ndarray:
    """When the first path comes in each response [n, 8, samples], in samples, float64 [n, 8]: where the envelope first
    reaches `share` of its peak, between two samples."""
    envelope = np.abs(x)
    level = share * envelope.max(2, keepdims=True)
    after = (envelope >= level).argmax(2).clip(1)
    high, low = (np.take_along_axis(envelope, place[..., None], 2)[..., 0] for place in (after, after - 1))
    return after - ((high - level[..., 0]) / np.maximum(high - low, 1e-12)).clip(0, 1)


def multilaterate(arrival: np.ndarray) -> np.ndarray:
    """Places [n, 3] in metres by differences of arrival [n, 8] in samples, the tag's clock not known: least squares
    with a soft loss, for paths that are blocked, from the middle of the room on."""
    metres = arrival * _LIGHT / SAMPLE_RATE

    def off(unknown: np.ndarray, heard: np.ndarray) -> np.ndarray:
        return np.linalg.norm(unknown[:3] - ANCHORS, axis=1) + unknown[3] - heard

    bounds = ([0, 0, 0, -np.inf], [*SIZE, np.inf])
    begin = [*(SIZE / 2), 0.0]
    return np.stack(
        [least_squares(off, begin, bounds=bounds, loss="soft_l1", f_scale=0.3, args=(heard,)).x[:3] for heard in metres]
    )


def _images(room: Room, places: np.ndarray):
    """Mirrored places [n, 3] and the gain of their way over walls, of all ways with at most _ORDER reflections."""
    ways = _mirrored(0, room)
    for axis in (1, 2):
        ways = [
            ({**one, **other}, gain * more, count + further)
            for one, gain, count in ways
            for other, more, further in _mirrored(axis, room)
            if count + further <= _ORDER
        ]
    for mirrors, gain, _ in ways:
        yield np.stack([sign * places[:, axis] + shift for axis, (sign, shift) in sorted(mirrors.items())], 1), gain


def _mirrored(axis: int, room: Room):
    """Along one axis: {axis: (sign, shift)}, gain and number of reflections."""
    low, high, length = room.reflectivity[axis], room.reflectivity[axis + 3], SIZE[axis]
    ways = [(1, 0.0, 1.0, 0), (-1, 0.0, -low, 1), (-1, 2 * length, -high, 1)]
    ways += [(1, 2 * length, low * high, 2), (1, -2 * length, low * high, 2)]
    return [({axis: (sign, shift)}, gain, count) for sign, shift, gain, count in ways]


def _behind(room: Room, image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """What screens leave of the direct way, [n, 8]; ways over walls are taken to pass over them."""
    if not np.array_equal(image, places):
        return np.ones((len(places), len(ANCHORS)))
    a, b = places[:, None, :2], ANCHORS[None, :, :2]
    crossed = np.zeros((len(places), len(ANCHORS)), int)
    for begin, end in room.screens:
        sides = _side(a, b, begin) != _side(a, b, end)
        crossed += sides & (_side(begin, end, a) != _side(begin, end, b))
    return _SCREEN**crossed


def _side(begin: np.ndarray, end: np.ndarray, point: np.ndarray) -> np.ndarray:
    along, to = end - begin, point - begin
    return along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0] > 0


def _normal(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Complex noise of mean power 1."""
    real, imaginary = random.standard_normal((2, *shape))
    return (real + 1j * imaginary) / np.sqrt(2)
