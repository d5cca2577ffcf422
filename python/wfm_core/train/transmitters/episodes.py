# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers measured of devices of one make that one receiver hears, an episode a file."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor
from tqdm import tqdm

from wfm_core.base.files import write_atomically
from wfm_core.base.weights_file import read_weights
from wfm_core.configs.finetuning import Transmitters
from wfm_core.model.transmitter import PIECE, measured
from wfm_core.signal.transmitter import Transmitter
from wfm_core.synth.fleet import MAKES, Episode, random_episode

_AT_ONCE = 32


@dataclass(frozen=True)
class Heard:
    """Of an episode's windows: `numbers` float32 [n, K], `device` and `day` int64 [n], and the make's name."""

    numbers: Tensor
    device: Tensor
    day: Tensor
    make: str


def hear(episode: Episode) -> Heard:
    """Measure the windows of an episode."""
    signal = Transmitter()
    with torch.inference_mode():
        numbers = torch.cat([measured(*signal(part)) for part in episode.windows.split(_AT_ONCE)])
    return Heard(numbers, episode.device, episode.day, episode.make)


def make_episodes(config: Transmitters, folder: Path) -> list[Heard]:
    """All episodes of a run, made by `config.workers` processes where they are not in `folder` yet."""
    folder.mkdir(exist_ok=True)
    numbers = [number for number in range(config.episodes) if not _path(folder, number).exists()]
    with ProcessPoolExecutor(config.workers, multiprocessing.get_context("spawn")) as pool:
        made = pool.map(_make, [config] * len(numbers), [folder] * len(numbers), numbers)
        for _ in tqdm(made, total=len(numbers), desc="episodes", unit="episode"):
            pass
    return [_read(folder, number) for number in range(config.episodes)]


def make_of(number: int) -> str:
    """Makes take turns."""
    return list(MAKES)[number % len(MAKES)]


def _make(config: Transmitters, folder: Path, number: int) -> None:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + number)
    heard = hear(
        random_episode(
            make_of(number),
            generator,
            config.devices,
            config.windows,
            samples=PIECE,
            snr_db=config.snr_db,
            with_offset=False,
        )
    )
    tensors = {"numbers": heard.numbers, "device": heard.device, "day": heard.day}
    write_atomically(_path(folder, number), lambda path: safetensors.torch.save_file(tensors, path))


def _read(folder: Path, number: int) -> Heard:
    found = read_weights(_path(folder, number))
    return Heard(found["numbers"], found["device"], found["day"], make_of(number))


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.safetensors"
