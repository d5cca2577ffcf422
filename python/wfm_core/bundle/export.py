# SPDX-License-Identifier: GPL-3.0-or-later
"""Model folders (`weights.safetensors` + `contract.yaml`) and the one-file bundles scripted from them."""

import io
import warnings
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file, write_atomically
from wfm_core.base.weights_file import read_weights
from wfm_core.base.yaml_text import BYTES_LIMIT, write_yaml
from wfm_core.bundle.assemble import assemble, weights_sha256
from wfm_core.bundle.contract import Contract
from wfm_core.bundle.parse import FORMAT, parse_contract
from wfm_core.bundle.screening.archive import CONTRACT, EXTRA_CONTRACT, SELF_TEST, content_sha256, pack, read_archive
from wfm_core.bundle.self_test import make_self_test

WEIGHTS = "weights.safetensors"
SUFFIX = ".wfm.pt"


def is_model_folder(folder: Path) -> bool:
    """Whether `folder` holds weights and a contract."""
    return (folder / CONTRACT).is_file() and (folder / WEIGHTS).is_file()


def finished(contract: dict, weights: dict[str, Tensor]) -> tuple[dict, dict[str, Tensor]]:
    """`contract` with its format and the weights' sha256 filled in, and `weights` as they are written."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    return {"format": FORMAT, **contract, "weights_sha256": weights_sha256(weights)}, weights


def save_model_folder(folder: Path, contract: dict, weights: dict[str, Tensor]) -> Contract:
    """Write `weights` (the state dict of a `WirelessModel`) and `contract` into `folder`; returns the contract.

    Fills in format and hash, and checks that the contract can be read before anything is written.
    """
    contract, weights = finished(contract, weights)
    parsed = parse_contract(contract, str(folder / CONTRACT))
    write_folder(folder, CONTRACT, contract, weights)
    return parsed


def write_folder(folder: Path, file: str, contract: dict, weights: dict[str, Tensor]) -> None:
    """Write what `finished` gave into `folder`, the contract into the file of that name."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / WEIGHTS, lambda path: safetensors.torch.save_file(weights, path))
    text = write_yaml(contract)
    write_atomically(folder / file, lambda path: path.write_text(text))


def read_model_folder(folder: Path) -> tuple[Contract, dict[str, Tensor]]:
    """Contract and weights of a model folder. Raises `WfmError`."""
    for name in (CONTRACT, WEIGHTS):
        if not (folder / name).is_file():
            raise WfmError(f"{folder} has no {name}; expected a model folder with {CONTRACT} and {WEIGHTS}")
    contract = parse_contract(read_file(folder / CONTRACT, BYTES_LIMIT), str(folder / CONTRACT))
    return contract, read_weights(folder / WEIGHTS)


def export_bundle(
    folder: Path, output: Path, window: int | None = None, carrier_offset: bool | None = None, name: str | None = None
) -> Path:
    """Script the model in `folder` into the bundle `output` (a file, or a folder for NAME.wfm.pt); returns its path.

    `window` (samples) and `carrier_offset` are of models of transmitters alone, which take windows of any number of
    pieces, with the carrier's offset in the embedding or without; None: as the model says. Raises `WfmError`.
    """
    contract, weights = read_model_folder(folder)
    if window is not None or carrier_offset is not None:
        if contract.modality != "transmitter":
            raise WfmError(
                f"{folder} is a model of {contract.modality}, whose window is what it was trained with: only models of "
                "transmitters have another --window, or none of the carrier's offset"
            )
        raw = dict(contract.raw)
        raw["window"] = {**raw["window"], **({} if window is None else {"samples": window})}
        if carrier_offset is not None:
            raw["transmitter"] = {**raw["transmitter"], "carrier_offset": carrier_offset}
        contract = parse_contract(raw, str(folder))
    if name is not None:
        contract = parse_contract({**contract.raw, "name": name}, str(folder))
    return _export(contract, weights, str(folder), output)


def export_model(contract: dict, weights: dict[str, Tensor], output: Path) -> Path:
    """Script a model, its parts as in `save_model_folder`, into the bundle `output` as `export_bundle` does."""
    contract, weights = finished(contract, weights)
    return _export(parse_contract(contract, str(output)), weights, str(output), output)


def _export(contract: Contract, weights: dict[str, Tensor], where: str, output: Path) -> Path:
    if output.is_dir():
        output = output / f"{contract.name}{SUFFIX}"
    live = assemble(contract, weights, where)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # TorchScript stays behind this package
        write_bundle(torch.jit.script(live), contract.raw, output, make_self_test(live, contract, where))
    return output


def write_bundle(module: torch.jit.ScriptModule, contract: dict, output: Path, self_test: bytes = b"") -> None:
    """Write a bundle: `module`, `self_test` if it is not empty, and `contract`, to which the sha256 of everything else
    in the file is added."""
    saved = io.BytesIO()
    torch.jit.save(module, saved, _extra_files={CONTRACT: ""})
    members = read_archive(saved.getvalue(), str(output))
    if self_test:
        members[SELF_TEST] = self_test
    contract = {**contract, "content_sha256": content_sha256(members)}
    members[EXTRA_CONTRACT] = write_yaml(contract).encode()
    output.parent.mkdir(parents=True, exist_ok=True)
    packed = pack(members)
    write_atomically(output, lambda path: path.write_bytes(packed.getbuffer()))
