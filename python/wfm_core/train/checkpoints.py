# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints that are whole or not there, and that say what they are of."""

import re
from pathlib import Path

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from wfm_core.base.errors import WfmError
from wfm_core.base.files import clear_leftovers, read_file, write_atomically
from wfm_core.base.yaml_text import BYTES_LIMIT, read_yaml
from wfm_core.configs.pretraining import Pretraining
from wfm_core.configs.tables import Run
from wfm_core.signal import build_preprocessor

LAST = "last.ckpt"
FOLDER = "checkpoints"
_HALF = re.compile(r"\..+\.ckpt\.[a-z0-9_]{8}(\.part)?")
"""Half a checkpoint, of earlier versions too."""


class WholeCheckpoints(TorchCheckpointIO):
    """Written beside the old one, then renamed: a full disk or a killed run leaves the last good one."""

    def save_checkpoint(self, checkpoint, path, storage_options=None):
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_atomically(path, lambda temporary: torch.save(checkpoint, temporary))
        except (OSError, RuntimeError) as error:
            # torch reports a write that failed as a RuntimeError of its archive writer
            reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
            kept = "the one before it is whole" if path.exists() else "there is none before it"
            raise WfmError(
                f"cannot write the checkpoint {path} ({reason}), {kept}; make room and go on with --resume"
            ) from error


def clear_run_folder(out: Path) -> None:
    """Remove the half-written files of a run in `out` that was killed."""
    clear_leftovers(out)
    if (out / FOLDER).is_dir():
        clear_leftovers(out / FOLDER, pattern=_HALF)


def open_checkpoint(path: Path) -> dict:
    """The mapping that a checkpoint file holds. Raises `WfmError`."""
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WfmError(f"nothing to resume: {path} does not exist; leave out --resume to start a run there") from None
    except Exception as error:  # whatever a file that is no checkpoint makes the reader trip over
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise WfmError(f"{path} cannot be read as a checkpoint ({reason}); take another or start again") from error
    return checkpoint if isinstance(checkpoint, dict) else {}


def read_checkpoint(path: Path, config: Run) -> dict:
    """A checkpoint of a run that `config` can go on with. Raises `WfmError`, naming what differs."""
    checkpoint = open_checkpoint(path)
    there = config.EARLIER | checkpoint.get(config.CHECKPOINT_KEY, {})
    for key, wanted in config.fixed_settings().items():
        if there.get(key) != wanted:
            raise WfmError(
                f"{path} is of another {config.FIXED}: its {key} is {there.get(key)}, the configuration wants "
                f"{wanted}; resume with the configuration it was made with, or name another --out"
            )
    return checkpoint


def read_statistics(path: Path, config: Pretraining) -> dict:
    """What an earlier start of this run has measured, with the settings of each modality. Raises `WfmError`."""
    settings = read_yaml(read_file(path, BYTES_LIMIT), str(path))
    try:
        for modality in config.modalities:
            for values in settings[modality].values():
                build_preprocessor(values)
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise WfmError(
            f"{path} does not describe the signal of {', '.join(config.modalities)} ({said}); restore it, or start "
            "another run with another --out"
        ) from error
    return settings
