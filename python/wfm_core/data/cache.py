# SPDX-License-Identifier: GPL-3.0-or-later
"""HDF5 caches: windows and images that were prepared once, in one file.

Datasets: `iq`, complex64 [N, A, T] (or float32 [N, A, T, 2] with I and Q last) at full scale 1, and `image`,
float32 [N, C, H, W]; at least one of them. The file's attribute `sample_rate` (Hz) is optional.
"""

import os
from pathlib import Path

import h5py
import numpy as np
import torch

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path, write_atomically
from wfm_core.base.plain import plain
from wfm_core.data.hdf5_file import open_hdf5

_IQ_WANTED = "complex64 [windows, antennas, samples] or float32 [windows, antennas, samples, 2]"
_IMAGE_WANTED = "float32 [images, channels, height, width]"


class CacheSource:
    """Random windows and images of one HDF5 file. Raises `WfmError`.

    `has_iq` and `has_image` say what it holds. `sample_rate` is in Hz or None; `antennas` is that of the windows, 0
    without them.
    """

    def __init__(self, path: str | Path):
        self.path = user_path(path)
        with self._open() as file:
            self._iq_shape = _checked(file, "iq", _is_iq, _IQ_WANTED)
            self._image_shape = _checked(file, "image", _is_image, _IMAGE_WANTED)
            if self._iq_shape is None and self._image_shape is None:
                held = ", ".join(sorted(file)) or "nothing"
                raise WfmError(f"{self.path} holds {held}: a dataset iq or image is expected: use write_cache")
            self.sample_rate = self._rate_of(file)
        self.has_iq, self.has_image = self._iq_shape is not None, self._image_shape is not None
        self.antennas = self._iq_shape[1] if self.has_iq else 0

    def check(self, antennas: int, samples: int) -> None:
        """Raises `WfmError` unless the cache has windows of that many antennas and samples or more."""
        if not self.has_iq:
            raise WfmError(f"{self.path} holds images but no dataset iq: use it for the image modality alone")
        _, held_antennas, held_samples = self._iq_shape[:3]
        if held_antennas < antennas or held_samples < samples:
            raise WfmError(
                f"{self.path} has windows of {held_antennas} antennas x {held_samples} samples, {antennas} x "
                f"{samples} are asked for: ask for no more than it has, or write another cache"
            )

    def check_image(self, channels: int) -> None:
        """Raises `WfmError` unless the cache has images of that many channels (any size: they are resized)."""
        if not self.has_image:
            raise WfmError(f"{self.path} holds windows but no dataset image: use it for the IQ modality")
        if self._image_shape[1] != channels:
            raise WfmError(
                f"{self.path} has images of {self._image_shape[1]} channels, {channels} are asked for: ask for "
                f"{self._image_shape[1]}, or write another cache"
            )

    def draw_iq(self, count: int, antennas: int, samples: int, generator: torch.Generator) -> torch.Tensor:
        """complex64 [count, antennas, samples] on the generator's device: random windows of the cache (with
        replacement), random places in them, a random choice of antennas in their order."""
        self.check(antennas, samples)
        windows, held_antennas, held_samples = self._iq_shape[:3]
        device = generator.device
        rows = torch.randint(windows, (count,), generator=generator, device=device).tolist()
        starts = torch.randint(held_samples - samples + 1, (count,), generator=generator, device=device).tolist()
        ranks = torch.rand((count, held_antennas), generator=generator, device=device).cpu()
        chosen = ranks.argsort(1)[:, :antennas].sort(1).values
        drawn = torch.empty(count, antennas, samples, dtype=torch.complex64)
        with self._open() as file:
            for window, row, start, keep in zip(drawn, rows, starts, chosen, strict=True):
                values = torch.from_numpy(file["iq"][row, :, start : start + samples])
                window.copy_((values if values.is_complex() else torch.view_as_complex(values))[keep])
        return self._finite(drawn, "iq").to(device)

    def draw_image(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """float32 [count, C, H, W] on the generator's device: random images of the cache, with replacement."""
        if not self.has_image:
            self.check_image(1)
        rows = torch.randint(self._image_shape[0], (count,), generator=generator, device=generator.device).tolist()
        with self._open() as file:
            drawn = torch.from_numpy(np.stack([file["image"][row] for row in rows]))
        return self._finite(drawn, "image").to(generator.device)

    def _finite(self, drawn: torch.Tensor, name: str) -> torch.Tensor:
        if not torch.isfinite(torch.view_as_real(drawn) if drawn.is_complex() else drawn).all():
            raise WfmError(
                f"{self.path}: the dataset {name} has values that are not finite: they would spoil the model, write "
                "the cache without them"
            )
        return drawn

    def _open(self) -> h5py.File:
        """Opened for every draw (under a millisecond): an HDF5 handle does not survive a fork into data workers."""
        if not os.path.isfile(self.path):
            raise WfmError(f"no cache at {self.path}: name an existing HDF5 file")
        try:
            return open_hdf5(self.path)
        except OSError as error:
            raise WfmError(f"{self.path} cannot be read as HDF5 ({error}): write the cache again") from error

    def _rate_of(self, file: h5py.File) -> float | None:
        rate = file.attrs.get("sample_rate")
        if rate is None:
            return None
        if np.ndim(rate) or not isinstance(rate, int | float | np.number) or not rate > 0:
            raise WfmError(f"{self.path} states sample_rate {plain(rate)}: one number above 0 Hz is expected")
        return float(rate)


def write_cache(
    path: str | Path,
    iq: torch.Tensor | np.ndarray | None = None,
    image: torch.Tensor | np.ndarray | None = None,
    sample_rate: float | None = None,
) -> None:
    """Write `iq` (complex64 [N, A, T] or float32 [N, A, T, 2]) and/or `image` (float32 [N, C, H, W]) to `path`.

    A file that is there is replaced at the end and not before. Raises `WfmError`.
    """
    arrays = {
        name: torch.as_tensor(data).cpu().numpy() for name, data in (("iq", iq), ("image", image)) if data is not None
    }
    for name, fits, wanted in (("iq", _is_iq, _IQ_WANTED), ("image", _is_image, _IMAGE_WANTED)):
        if name in arrays and not fits(arrays[name]):
            raise _other_shape(str(path), name, arrays[name], wanted)
    if not arrays:
        raise WfmError(f"nothing to write to {path}: give iq, image or both")

    def write(temporary: Path) -> None:
        with h5py.File(temporary, "w") as file:
            for name, array in arrays.items():
                file[name] = array
            if sample_rate is not None:
                file.attrs["sample_rate"] = float(sample_rate)

    try:
        write_atomically(Path(path), write)
    except OSError as error:
        raise WfmError(f"cannot write {path} ({error}): choose another place") from error


def _checked(file: h5py.File, name: str, fits, wanted: str) -> tuple[int, ...] | None:
    """The shape of a dataset that is as expected; None where there is none of that name."""
    if name not in file:
        return None
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise WfmError(f"{file.filename}: {name} is a group; expected a dataset, {wanted}")
    if not fits(dataset):
        raise _other_shape(file.filename, name, dataset, wanted)
    return dataset.shape


def _other_shape(where: str, name: str, seen, wanted: str) -> WfmError:
    found = f"{name} is {seen.dtype} {list(seen.shape)}"
    return WfmError(f"{where}: {found}; expected {wanted}, none of them 0: convert it")


def _is_iq(data) -> bool:
    if data.dtype == np.complex64:
        return len(data.shape) == 3 and min(data.shape) > 0
    return data.dtype == np.float32 and len(data.shape) == 4 and min(data.shape) > 0 and data.shape[3] == 2


def _is_image(data) -> bool:
    return data.dtype == np.float32 and len(data.shape) == 4 and min(data.shape) > 0
