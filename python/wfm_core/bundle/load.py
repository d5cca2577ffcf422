# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading: every check before anything of the bundle runs, then device, engine and dtype."""

import hashlib
import tempfile
import warnings
from pathlib import Path

import torch

from wfm_core.base import compute
from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file
from wfm_core.bundle.assemble import weights_of, weights_sha256
from wfm_core.bundle.bundle import Bundle
from wfm_core.bundle.contract import Contract
from wfm_core.bundle.engines.choose import choose_network
from wfm_core.bundle.export import SUFFIX, export_bundle
from wfm_core.bundle.find import find_bundle
from wfm_core.bundle.parse import parse_contract
from wfm_core.bundle.running import raised_in
from wfm_core.bundle.screening.archive import (
    EXTRA_CONTRACT,
    FILE_LIMIT,
    SELF_TEST,
    content_sha256,
    pack,
    read_archive,
)
from wfm_core.bundle.screening.operators import screen_graphs, screen_source
from wfm_core.bundle.self_test import SelfTest, read_self_test


def load_bundle(
    name_or_path: str | Path, device: str = "auto", dtype: str = "auto", sha256: str | None = None, engine: str = "auto"
) -> Bundle:
    """Load a bundle by name or path (see `find_bundle`); a model folder is scripted on the spot.

    `device`: auto (CUDA where there is one), cpu, cuda or cuda:N. `dtype` of the encoder: auto, fp32, bf16 or int8
    (CPU). `sha256`: refuse a bundle file whose own sha256 differs. `engine` of the encoder: auto, torchscript or
    openvino (CPU, fp32 and bf16, where it is installed). A bundle that answers its self-test otherwise on that device,
    in that format and with that engine than it did where it was made is refused. Raises `WfmError`.
    """
    place = choose_device(device)
    path = find_bundle(name_or_path)
    if not path.is_dir():
        contract, module, test = _open(path, sha256)
    elif sha256 is not None:
        raise WfmError(f"{path} is a model folder, and sha256 pins a bundle file; give the bundle's file")
    else:
        with tempfile.TemporaryDirectory() as folder:
            bundle = compute.run(export_bundle, path, Path(folder) / f"model{SUFFIX}")
            contract, module, test = _open(bundle, None)
        # The program that it is made into is named otherwise each time, so that its hash says nothing.
        kept = {key: value for key, value in contract.raw.items() if key != "content_sha256"}
        contract = parse_contract(kept, str(path))
    # Only what computes goes to the compute thread: a bundle that is swapped in must not hold up the one in use.
    with raised_in(str(path)):
        choice = compute.run(choose_network, module.to(place), contract, place, dtype, engine)
        difference = compute.run(test.difference, choice.network, place) if test else None
    if test:
        test.judge(difference, choice.dtype, choice.engine, place, str(path))
    how = (choice.engine, choice.reason, choice.tokens_at_once)
    return Bundle(contract, choice.network, path, place, choice.dtype, difference, *how)


def choose_device(device: str) -> torch.device:
    """`auto`, `cpu`, `cuda` or `cuda:N` as a device that is there. Raises `WfmError`."""
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return torch.device("cuda" if found else "cpu")
    kind, _, index = device.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()) or (kind == "cpu" and index):
        raise WfmError(f"device {device!r} is not known; expected auto, cpu, cuda or cuda:N")
    if kind == "cuda" and int(index or 0) >= found:
        raise WfmError(f"device {device!r} was asked for, but {found} CUDA devices are there; use auto or cpu")
    return torch.device(device)


def _open(path: Path, sha256: str | None) -> tuple[Contract, torch.jit.ScriptModule, SelfTest | None]:
    """The verified contents of a bundle file, on the CPU, nothing of it run yet; None where it has no self-test."""
    data = read_file(path, FILE_LIMIT)  # once: what is checked is what is loaded
    seen = hashlib.sha256(data).hexdigest() if sha256 is not None else None
    if sha256 is not None and seen != sha256.lower():
        raise WfmError(f"{path} has sha256 {seen}, but {sha256} was asked for; get the right file or fix the pin")
    members = read_archive(data, str(path))
    del data
    contract = parse_contract(members[EXTRA_CONTRACT], str(path))
    screen_source(members, str(path))
    test = read_self_test(members[SELF_TEST], contract, str(path)) if SELF_TEST in members else None
    content, constants = content_sha256(members), any(name.startswith("constants/") for name in members)
    try:
        with warnings.catch_warnings(
            action="ignore", category=DeprecationWarning
        ):  # TorchScript stays behind this package
            module = torch.jit.load(pack(members), map_location="cpu").eval()
    except (RuntimeError, LookupError, ValueError, TypeError, OverflowError, MemoryError) as error:
        first = " ".join(str(error).split())[:160]
        raise WfmError(f"{path} cannot be loaded as TorchScript ({first}); make it again with wfm-export") from error
    screen_graphs(module, str(path))
    seen = weights_sha256(weights_of(module))
    if seen != contract.weights_sha256:
        raise WfmError(
            f"{path}: the weights' sha256 is {seen}, but its contract says {contract.weights_sha256}; "
            "get the bundle again or make it with wfm-export"
        )
    _check_content(module, content, constants, contract, path)
    return contract, module, test


def _check_content(module: torch.jit.ScriptModule, seen: str, constants: bool, contract: Contract, path: Path):
    """Whether all of the bundle is as it was exported: buffers and constants too, which are not among the weights."""
    stated = contract.content_sha256
    if not stated and (any(True for _ in module.buffers()) or constants):
        raise WfmError(
            f"{path} was made by an earlier version, whose hash left out what is not a weight; export the model again "
            "with wfm-export"
        )
    if stated and seen != stated:
        raise WfmError(
            f"{path}: the sha256 of what is in it is {seen}, but its contract says {stated}; get the bundle again or "
            "make it with wfm-export"
        )
