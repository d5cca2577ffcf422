# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pretraining windows come from besides the simulator: folders of recordings, and data sets of wfm-dataset.

A source is checked when it is opened and once more, by `check`, against the windows that are expected of it, so that
a run fails at its start. What it draws is a function of the files and of the generator's state alone.
"""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.data.dataset import open_dataset
from wfm_core.data.recordings.folder import one_rate, recordings_in
from wfm_core.data.recordings.recording import Told
from wfm_core.data.recordings.windows import check_samples

_IMAGE_SIGNALS = ("standard_image", "csi_image")


class RecordingSource:
    """Random windows of all recordings in and under `folder` (see `recordings_in`). Raises `WfmError`.

    `told` says what raw files do not say themselves. `sample_rate` (Hz) is that of every recording; `antennas` is the
    number of channels that every recording has. `stretches`, int64 [n, 3], are those between breaks: the recording's
    index, first sample and end.
    """

    ready_images = False

    def __init__(self, folder: str | Path, told: Told | None = None):
        self.folder = user_path(folder)
        if not os.path.isdir(self.folder):
            raise WfmError(f"no folder {self.folder}: name an existing folder of recordings")
        self.recordings = recordings_in(self.folder, told)
        self.sample_rate = one_rate(self.recordings, self.folder, "use one folder per rate")
        self.antennas = min(recording.channels for recording in self.recordings)
        self.stretches = np.array(
            [
                (index, *stretch)
                for index, recording in enumerate(self.recordings)
                for stretch in pairwise([0, *recording.breaks, recording.samples])
            ]
        )

    def places(self, samples: int) -> np.ndarray:
        """In how many places of each stretch a window of `samples` fits, int64 [n]."""
        return np.maximum(self.stretches[:, 2] - self.stretches[:, 1] - samples + 1, 0)

    def held(self, samples: int) -> int:
        """How many windows of `samples` there are that do not overlap."""
        return int(((self.stretches[:, 2] - self.stretches[:, 1]) // samples).sum())

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
        longest = np.zeros(len(self.recordings), np.int64)
        np.maximum.at(longest, self.stretches[:, 0], self.places(1))
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
        self.check(antennas, samples)
        device = generator.device
        ends = self.places(samples).cumsum()
        places = torch.randint(int(ends[-1]), (count,), generator=generator, device=device).cpu().numpy()
        ranks = torch.rand((count, max(r.channels for r in self.recordings)), generator=generator, device=device).cpu()
        windows = torch.empty(count, antennas, samples, dtype=torch.complex64)
        pieces = np.searchsorted(ends, places, side="right")
        starts = (self.stretches[pieces, 2] - samples + 1 + places - ends[pieces]).tolist()
        for window, index, start, rank in zip(windows, self.stretches[pieces, 0], starts, ranks, strict=True):
            iq = self.recordings[index].read(start, samples)
            check_samples(self.recordings[index], iq, start)
            seen = torch.from_numpy(iq)
            window.copy_(seen[rank[: len(seen)].argsort()[:antennas].sort().values])
        return windows.to(device)


class DatasetSource:
    """Random windows or images of one data set, labelled or not. Raises `WfmError`.

    `ready_images` says which of the two it holds. `sample_rate` is in Hz or None; `antennas` is that of IQ windows, 0
    of images; `signal` is what prepares the images for a model, and `most_channels` what they then have, 0 of windows.
    """

    def __init__(self, path: str | Path):
        self.dataset = open_dataset(path, unlabelled=True)
        self.sample_rate, self.signal = self.dataset.sample_rate, self.dataset.signal
        self.ready_images = self.dataset.kind != "sample"
        self.antennas = 0 if self.ready_images else self.dataset.shape[1]
        self.most_channels = len(self.signal["mean"]) if self.ready_images and "mean" in self.signal else 0
        if self.ready_images and self.signal["kind"] not in _IMAGE_SIGNALS:
            raise WfmError(
                f"{self.dataset.path} holds {self.dataset.kind} with the signal {self.signal['kind']}; one of "
                f"{', '.join(_IMAGE_SIGNALS)} is expected: build it again with wfm-dataset build"
            )

    def held(self, samples: int) -> int:
        """How many images there are, or windows of `samples` that do not overlap."""
        return self.dataset.count * (1 if self.ready_images else self.dataset.shape[2] // samples)

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
        if self.most_channels != channels:
            raise WfmError(
                f"{self.dataset.path} has images of {self.most_channels} channels, {channels} are asked for: ask for "
                f"{self.most_channels}, or build another set"
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
