# SPDX-License-Identifier: GPL-3.0-or-later
"""Model folders (`weights.safetensors` + `contract.yaml`) and the one-file bundles scripted from them."""

import warnings
from pathlib import Path

import safetensors
import safetensors.torch
import torch
import yaml
from torch import Tensor

from wfm_core.bundle.assemble import assemble, weights_sha256
from wfm_core.bundle.contract import Contract, parse_contract
from wfm_core.errors import WfmError
from wfm_core.files import write_atomically

CONTRACT = "contract.yaml"
WEIGHTS = "weights.safetensors"
SUFFIX = ".wfm.pt"


def is_model_folder(folder: Path) -> bool:
    """Whether `folder` holds weights and a contract."""
    return (folder / CONTRACT).is_file() and (folder / WEIGHTS).is_file()


def save_model_folder(folder: Path, contract: dict, weights: dict[str, Tensor]) -> Contract:
    """Write `weights` (the state dict of a `WirelessModel`) and `contract` into `folder`; returns the contract.

    Fills in the weights' sha256 and checks that the contract can be read before anything is written.
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    contract = {**contract, "weights_sha256": weights_sha256(weights)}
    parsed = parse_contract(contract, str(folder / CONTRACT))
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / WEIGHTS, lambda path: safetensors.torch.save_file(weights, path))
    text = yaml.safe_dump(contract, sort_keys=False, allow_unicode=True)
    write_atomically(folder / CONTRACT, lambda path: path.write_text(text))
    return parsed


def read_model_folder(folder: Path) -> tuple[Contract, dict[str, Tensor]]:
    """Contract and weights of a model folder. Raises `WfmError`."""
    for name in (CONTRACT, WEIGHTS):
        if not (folder / name).is_file():
            raise WfmError(f"{folder} has no {name}; wanted a model folder with {CONTRACT} and {WEIGHTS}")
    contract = parse_contract((folder / CONTRACT).read_bytes(), str(folder / CONTRACT))
    try:
        weights = safetensors.torch.load_file(folder / WEIGHTS)
    except (safetensors.SafetensorError, OSError) as error:
        raise WfmError(f"{folder / WEIGHTS} cannot be read as safetensors ({error}); get the file again") from error
    return contract, weights


def export_bundle(folder: Path, output: Path) -> Path:
    """Script the model in `folder` into the bundle `output` (a file, or a folder for NAME.wfm.pt); returns its path."""
    contract, weights = read_model_folder(folder)
    if output.is_dir():
        output = output / f"{contract.name}{SUFFIX}"
    live = assemble(contract, weights, str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript stays behind this package
        scripted = torch.jit.script(live)
        text = yaml.safe_dump(contract.raw, sort_keys=False, allow_unicode=True)
        output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(output, lambda path: scripted.save(str(path), _extra_files={CONTRACT: text}))
    return output
