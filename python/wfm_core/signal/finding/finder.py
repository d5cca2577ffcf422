# SPDX-License-Identifier: GPL-3.0-or-later
"""The finder: samples in, found signals out."""

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.signal.finding.candidates import VIEWS, Candidate, candidates, thresholds
from wfm_core.signal.finding.choose import choose
from wfm_core.signal.finding.cutting import signals_in
from wfm_core.signal.finding.filled import fills, with_whole
from wfm_core.signal.finding.floor import common_floor, leaked, local_floor, quiet_level, spread
from wfm_core.signal.finding.frames import Layer, layer_for_band
from wfm_core.signal.finding.join import joined, without_echoes
from wfm_core.signal.finding.layers import FRAME_ROWS, rows, shapes, touched
from wfm_core.signal.finding.refine import Fragment, fragment, room_of
from wfm_core.signal.finding.settings import FinderSettings, FoundSignal
from wfm_core.signal.finding.skirts import without_skirts
from wfm_core.signal.finding.tracks import Tracks
from wfm_core.signal.finding.wide import WideBand, wide_fragment, with_wide

_DEEPEST = 1e-6
"""Of a frame's mean power: no floor is lower."""


class SignalFinder:
    """Finds the signals of a stream of complex samples at `sample_rate` (Hz).

    What is found does not depend on how the stream is cut into pushes. Raises WfmError for settings or samples that
    cannot be.
    """

    def __init__(self, sample_rate: float, settings: FinderSettings | None = None):
        settings = settings or FinderSettings()
        settings.check()
        if not (np.isfinite(sample_rate) and 100 <= sample_rate <= 1e10):
            raise WfmError(f"sample_rate is {sample_rate}, expected Hz from 100 to 1e10")
        self.sample_rate, self.settings = float(sample_rate), settings
        size = settings.size_for(sample_rate)
        self._shapes = shapes(size)
        self._frame = FRAME_ROWS * size
        self._reach = max(shape.reach for shape in self._shapes)
        per_second = [
            sample_rate / self._shapes[view.layer].hop * self._shapes[view.layer].fft_size / view.group
            for view in VIEWS
        ]
        chance = settings.false_alarms / len(VIEWS)
        self._limits = [thresholds(view, cells, chance) for view, cells in zip(VIEWS, per_second, strict=True)]
        self._tracks = self._new_tracks()
        self._wide = WideBand(self.sample_rate, self._frame)
        self._held = np.zeros(0, np.complex64)
        self._pieces: list[np.ndarray] = []
        self._waiting = 0
        self._origin = 0  # of the held samples, in the stream
        self._begin = 0  # of the frame that comes next

    def push(self, samples: np.ndarray) -> list[FoundSignal]:
        """complex64 [n], any n. Returns the signals that have ended since, in the stream's order."""
        samples = np.asarray(samples)
        if samples.ndim != 1:
            raise WfmError(f"samples have shape {samples.shape}, expected one row of complex64")
        self._pieces.append(samples.astype(np.complex64, copy=True))
        self._waiting += len(samples)
        needed = self._begin + self._frame + self._reach - self._origin
        if len(self._held) + self._waiting < needed:
            return []
        self._gather()
        found = []
        while len(self._held) + self._origin >= self._begin + self._frame + self._reach:
            found += self._look(self._frame)
            self._begin += self._frame
            self._drop(self._begin - self._reach)
        return found

    def finish(self) -> list[FoundSignal]:
        """Ends the stream: what is still on ends with it."""
        self._gather()
        found = []
        if self._origin + len(self._held) > self._begin:
            count = self._origin + len(self._held) - self._begin  # less than a frame and what rows reach
            found += self._look(count)
            self._begin += count
        found += self._tracks.finish()
        self._restart()
        return found

    def split(self, forget: bool = False) -> list[FoundSignal]:
        """A break in the stream (lost samples, a retune): all signals end here; samples go on being counted.

        forget: the floor of before means nothing any more, as after a retune or a change of gain.
        """
        found = self.finish()
        if forget:
            self._wide = WideBand(self.sample_rate, self._frame)
        return found

    def _new_tracks(self) -> Tracks:
        grid = self.sample_rate / self._shapes[-1].fft_size
        return Tracks(self.sample_rate, grid, self.settings.max_duration, self.settings.min_snr)

    def _gather(self) -> None:
        self._held = np.concatenate([self._held, *self._pieces])
        self._pieces, self._waiting = [], 0

    def _drop(self, before: int) -> None:
        count = max(before - self._origin, 0)
        self._held = self._held[count:].copy()
        self._origin += count

    def _restart(self) -> None:
        self._origin = self._begin = self._origin + len(self._held)
        self._held = np.zeros(0, np.complex64)

    def _look(self, count: int) -> list[FoundSignal]:
        """One frame of `count` samples from self._begin."""
        samples = self._held
        begin = self._begin - self._origin
        broken = ~(np.isfinite(samples.real) & np.isfinite(samples.imag))
        clean = np.where(broken, np.complex64(0), samples) if broken.any() else samples
        if count >= self._shapes[-1].fft_size:
            clean = clean - clean[begin : begin + count].mean()
        layers = self._layers(clean, broken, begin, count)
        found = []
        for place, (view, limits) in enumerate(zip(VIEWS, self._limits, strict=True)):
            layer = layers[view.layer]
            if len(layer.ratio):
                found += candidates(place, view, layer.ratio, layer.shape.hop, self.sample_rate, limits)
        cells = [
            (float(self._shapes[view.layer].hop), self.sample_rate / self._shapes[view.layer].fft_size * view.group)
            for view in VIEWS
        ]
        usable = [layer for layer in layers if len(layer.ratio)]
        if not usable:
            return self._tracks.frame([], self._begin + count)
        chosen = choose(found, cells, lambda box: _cut(box, usable, count))
        chosen = without_echoes(chosen, usable, [view.layer for view in VIEWS])
        pieces = [(box.start, box.stop, box.low, box.high) for box in chosen]
        least = 0.8 * 10 ** (self.settings.min_snr / 10)
        parts = without_skirts(self._fragments(pieces, usable, skirts=False), usable, images=False)
        parts = without_skirts(joined(parts, usable), usable)
        parts = self._fragments([(part.start, part.stop, part.low, part.high) for part in parts], usable, skirts=True)
        parts = without_skirts([part for part in parts if part.ratio > least], usable)
        layer = next(layer for layer in (*usable[1:2], usable[0]))
        wide = self._wide.look(layer.floor)
        if fills(layers[-1], parts):
            parts = with_whole(parts, layer, self._shapes[-1].fft_size, count)
        elif wide is not None:
            part, steady = wide_fragment(wide, layer, self._shapes[-1].fft_size, count)
            if wide[3] or not steady:
                parts = with_wide(parts, part, steady, usable)
        for part in parts:
            part.start += self._begin
            part.stop += self._begin
        return self._tracks.frame(parts, self._begin + count)

    def _fragments(self, pieces: list[tuple], layers: list[Layer], skirts: bool) -> list[Fragment]:
        rate, finest = self.sample_rate, self._shapes[-1].fft_size
        parts = (fragment(piece, layers, finest, room_of(piece, pieces, rate), skirts) for piece in pieces)
        return [part for part in parts if part is not None]

    def _layers(self, clean: np.ndarray, broken: np.ndarray, begin: int, count: int) -> list[Layer]:
        powers, floors = [], []
        for shape in self._shapes:
            power = rows(shape, clean, begin, count)
            good = np.isfinite(power).all(1) & ~touched(shape, broken, begin, len(power))
            floor = None
            if good.any() and power[good].any():
                floor = local_floor(quiet_level(power[good]), int(good.sum()), shape.fft_size // 4)
            powers.append((power, good))
            floors.append(floor)
        if all(floor is None for floor in floors):
            return [Layer(shape, np.zeros((0, shape.fft_size), np.float32), np.zeros(0), 1.0) for shape in self._shapes]
        size = self._shapes[1].fft_size
        usable = [floor for place in (1, 0, 2) if (floor := floors[place]) is not None]
        usable[0] = spread(usable[0], size)
        common = common_floor(usable, size)
        # digital silence is no floor
        common = np.maximum(common, np.float32(_DEEPEST * float(np.mean(np.abs(clean[begin : begin + count]) ** 2))))
        layers = []
        for shape, (power, good), own in zip(self._shapes, powers, floors, strict=True):
            floor = leaked(spread(common, shape.fft_size))
            ratio = power / floor if own is not None else power[:0]
            if own is not None:
                ratio[~good] = 1
            layers.append(Layer(shape, ratio, floor, self.sample_rate))
        return layers


def _cut(box: Candidate, layers: list[Layer], count: int) -> list[Candidate]:
    """A candidate's signals."""
    whole = (box.start, min(box.stop, count), box.low, box.high)
    pieces = signals_in(whole, layers)
    if len(pieces) == 1 and pieces[0] == whole:
        return [box]
    made = []
    for start, stop, low, high in pieces:
        layer = layer_for_band(layers, stop - start, 3)
        first, last = layer.rows(start, stop)
        a, b = layer.bins(low, high)
        excess = np.maximum(layer.ratio[first:last, a:b] - 1, 0).sum(0) * (layer.shape.hop / layer.shape.fft_size)
        area = max((stop - start) * (high - low) / layer.rate, 0.5)
        outer = (start, stop, low, high)
        made.append(Candidate(box.view, start, stop, low, high, float(excess.sum()), area, outer, excess))
    return made
