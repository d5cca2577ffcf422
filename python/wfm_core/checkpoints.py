# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights files from elsewhere, read without running anything that they hold."""

import pickle
import re
import warnings
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from wfm_core.errors import WfmError


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict]:
    """State dict and training options (empty where there are none) of a .safetensors, .pt or .pth file.

    A PyTorch file may be a state dict, or a mapping that has one under `model` and options under `args`. It is read
    with `weights_only=True`: a file that would run code is refused. Raises `WfmError`.
    """
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path), {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of strange pickles, which are refused anyway
            held = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WfmError(f"{path} does not exist; give the checkpoint's file") from error
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        what = f" ({named[1]})" if named else ""
        raise WfmError(
            f"{path} is no file of weights only, and loading it could run code that it brings{what}, so it is "
            "refused; save the model's state dict as safetensors where you trust it, and give that"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
        first = " ".join(str(error).split())[:160]
        raise WfmError(f"{path} cannot be read as a checkpoint ({first}); get the file again") from error
    state = held.get("model", held) if isinstance(held, dict) else held
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WfmError(
            f"{path} holds {type(held).__name__} without a state dict; wanted tensors by name, or a mapping that has "
            "them under 'model': save the model's state_dict()"
        )
    options = held.get("args")
    return state, options if isinstance(options, dict) else {}
