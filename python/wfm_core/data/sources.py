# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pretraining windows come from besides the simulator: folders of recordings, and data sets of wfm-dataset.

A source is checked when it is opened and once more, by `check`, against the windows that are expected of it, so that
a run fails at its start. What it draws is a function of the files and of the generator's state alone.
"""

import os
from bisect import bisect_right
from itertools import accumulate, pairwise
from pathlib import Path

import torch

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.data.dataset import open_dataset
from wfm_core.data.recordings.folder import one_rate, recordings_in
from wfm_core.data.recordings.recording import Told

_IMAGE_SIGNALS = ("standard_image", "csi_image")


class RecordingSource:
    """Random windows of all recordings in and under `folder` (see `recordings_in`). Raises `WfmError`.

    `told` says what raw files do not say themselves. `sample_rate` (Hz) is that of every recording; `antennas` is the
    number of channels that every recording has.
    """

    ready_images = False

    def __init__(self, folder: str | Path, told: Told | None = None):
        self.folder = user_path(folder)
        if not os.path.isdir(self.folder):
            raise WfmError(f"no folder {self.folder}: name an existing folder of recordings")
        self.recordings = recordings_in(self.folder, told)
        self.sample_rate = one_rate(self.recordings, self.folder, "use one folder per rate")
        self.antennas = min(recording.channels for recording in self.recordings)
        # [begin, end) of the stretches between breaks
        self._pieces = [list(pairwise([0, *recording.breaks, recording.samples])) for recording in self.recordings]
        self._plans: dict[tuple[int, int], _Plan] = {}

    def check(self, antennas: int, samples: int) -> None:
        """Raises `WfmError` unless every recording has `antennas` channels and a whole window of `samples`.

        A recording that gives no window is refused, not passed over: it was put there to be learnt from.
        """
        poorest = min(self.recordings, key=lambda recording: recording.channels)
        if poorest.channels < antennas:
            raise WfmError(
                f"{poorest.meta_path} has {poorest.channels} channels, {antennas} antennas are asked for: ask for "
                f"{poorest.channels} or fewer, or move it to another folder"
            )
        longest = [max(end - begin for begin, end in pieces) for pieces in self._pieces]
        short = [(r, length) for r, length in zip(self.recordings, longest, strict=True) if length < samples]
        if short:
            named = ", ".join(f"{r.meta_path.relative_to(self.folder)}: {length}" for r, length in short[:5])
            more = f" and {len(short) - 5} more" if len(short) > 5 else ""
            raise WfmError(
                f"{len(short)} of {len(self.recordings)} recordings in {self.folder} are shorter than a window of "
                f"{samples} samples (longest stretch without a break of {named}{more}): take them out or ask for "
                "shorter windows"
            )

    def draw_iq(self, count: int, antennas: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        """complex64 [count, antennas, samples] at full scale 1, on the generator's device.

        Every place where a window fits is equally likely, so a recording is seen in proportion to its length; no
        window reaches across a break. Of more channels than asked for a random choice is taken, in their order:
        neighbours on the array stay in line.
        """
        plan = self._plan(antennas, samples)
        device = generator.device
        places = torch.randint(plan.places, (count,), generator=generator, device=device).tolist()
        ranks = torch.rand((count, max(r.channels for r in self.recordings)), generator=generator, device=device).cpu()
        windows = torch.empty(count, antennas, samples, dtype=torch.complex64)
        for window, place, rank in zip(windows, places, ranks, strict=True):
            index, start = plan.locate(place)
            seen = torch.from_numpy(self.recordings[index].read(start, samples))
            self._check_finite(index, start, seen)
            window.copy_(seen[rank[: len(seen)].argsort()[:antennas].sort().values])
        return windows.to(device)

    def _plan(self, antennas: int, samples: int) -> "_Plan":
        if (antennas, samples) not in self._plans:
            self.check(antennas, samples)
            self._plans[antennas, samples] = _Plan(self._pieces, samples)
        return self._plans[antennas, samples]

    def _check_finite(self, index: int, start: int, seen: torch.Tensor) -> None:
        if not torch.isfinite(torch.view_as_real(seen)).all():
            raise WfmError(
                f"{self.recordings[index].data_path} has values that are not finite in samples {start} to "
                f"{start + seen.size(1)}: one such window would spoil the model, fix or remove the recording"
            )


class DatasetSource:
    """Random windows or images of one data set, labelled or not. Raises `WfmError`.

    `ready_images` says which of the two it holds. `sample_rate` is in Hz or None; `antennas` is that of IQ windows, 0
    of images; `signal` is what prepares the images for a model.
    """

    def __init__(self, path: str | Path):
        self.dataset = open_dataset(path, unlabelled=True)
        self.sample_rate, self.signal = self.dataset.sample_rate, self.dataset.signal
        self.ready_images = self.dataset.kind != "sample"
        self.antennas = 0 if self.ready_images else self.dataset.shape[1]
        if self.ready_images and self.signal["kind"] not in _IMAGE_SIGNALS:
            raise WfmError(
                f"{self.dataset.path} holds {self.dataset.kind} with the signal {self.signal['kind']}; one of "
                f"{', '.join(_IMAGE_SIGNALS)} is expected: build it again with wfm-dataset build"
            )

    def check(self, antennas: int, samples: int) -> None:
        """Raises `WfmError` unless the set has windows of that many antennas and samples or more."""
        if self.ready_images:
            raise WfmError(f"{self.dataset.path} holds {self.dataset.kind}: use it for the image modality alone")
        _, held_antennas, held_samples = self.dataset.shape
        if held_antennas < antennas or held_samples < samples:
            raise WfmError(
                f"{self.dataset.path} has windows of {held_antennas} antennas x {held_samples} samples, {antennas} x "
                f"{samples} are asked for: ask for no more than it has, or build another set"
            )

    def check_image(self, channels: int) -> None:
        """Raises `WfmError` unless the set has images of that many channels (any size: they are resized)."""
        if not self.ready_images:
            raise WfmError(f"{self.dataset.path} holds IQ windows, not images: use it for the IQ modality")
        held = len(self.signal["mean"])
        if held != channels:
            raise WfmError(
                f"{self.dataset.path} has images of {held} channels, {channels} are asked for: ask for {held}, or "
                "build another set"
            )

    def draw_iq(self, count: int, antennas: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        """complex64 [count, antennas, samples] on the generator's device: random windows of the set (with
        replacement), random places in them, a random choice of antennas in their order."""
        self.check(antennas, samples)
        _, held_antennas, held_samples = self.dataset.shape
        device = generator.device
        rows = torch.randint(self.dataset.count, (count,), generator=generator, device=device).tolist()
        starts = torch.randint(held_samples - samples + 1, (count,), generator=generator, device=device).tolist()
        ranks = torch.rand((count, held_antennas), generator=generator, device=device).cpu()
        chosen = ranks.argsort(1)[:, :antennas].sort(1).values
        drawn = torch.from_numpy(self.dataset.read_iq(rows, starts, samples))
        return drawn.take_along_dim(chosen.unsqueeze(2), 1).to(device)

    def draw_image(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """float32 [count, C, H, W] on the generator's device: random images of the set, with replacement."""
        if not self.ready_images:
            self.check_image(1)
        rows = torch.randint(self.dataset.count, (count,), generator=generator, device=generator.device).tolist()
        return torch.from_numpy(self.dataset.read(rows)).to(generator.device)


class _Plan:
    """All places where a window of `samples` fits, numbered through; `places` is how many there are."""

    def __init__(self, pieces: list[list[tuple[int, int]]], samples: int):
        fits = [(i, begin, end - begin - samples + 1) for i, spans in enumerate(pieces) for begin, end in spans]
        self._fits = [(index, begin) for index, begin, room in fits if room > 0]
        self._ends = list(accumulate(room for _, _, room in fits if room > 0))
        self.places = self._ends[-1]

    def locate(self, place: int) -> tuple[int, int]:
        """The recording's index and the first sample of place number `place`."""
        piece = bisect_right(self._ends, place)
        index, begin = self._fits[piece]
        return index, begin + place - (self._ends[piece - 1] if piece else 0)
