# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading: every check before anything of the bundle runs, then device and dtype."""

import hashlib
import io
import tempfile
import warnings
import zipfile
from pathlib import Path

import torch

from wfm_core import compute
from wfm_core.bundle.assemble import weights_of, weights_sha256
from wfm_core.bundle.bundle import Bundle
from wfm_core.bundle.contract import Contract, parse_contract
from wfm_core.bundle.dtype import choose_dtype
from wfm_core.bundle.export import CONTRACT, SUFFIX, export_bundle
from wfm_core.bundle.find import find_bundle
from wfm_core.bundle.operators import screen_graphs, screen_source
from wfm_core.errors import WfmError

ZIP_START = b"PK\x03\x04"


def load_bundle(
    name_or_path: str | Path, device: str = "auto", dtype: str = "auto", sha256: str | None = None
) -> Bundle:
    """Load a bundle by name or path (see `find_bundle`); a model folder is scripted on the spot.

    `device`: auto (CUDA where there is one), cpu, cuda or cuda:N. `dtype` of the encoder: auto, fp32, bf16 or int8
    (CPU). `sha256`: refuse a bundle file whose own sha256 differs. Raises `WfmError`.
    """
    place = choose_device(device)
    path = find_bundle(name_or_path)
    if not path.is_dir():
        contract, module = _open(path, sha256)
    elif sha256 is not None:
        raise WfmError(f"{path} is a model folder, and sha256 pins a bundle file; give the bundle's file")
    else:
        with tempfile.TemporaryDirectory() as folder:
            bundle = compute.run(export_bundle, path, Path(folder) / f"model{SUFFIX}")
            contract, module = _open(bundle, None)
    # Only what computes goes to the compute thread: a bundle that is swapped in must not hold up the one in use.
    network, name = compute.run(choose_dtype, module.to(place), contract, place, dtype)
    return Bundle(contract, network, path, place, name)


def choose_device(device: str) -> torch.device:
    """`auto`, `cpu`, `cuda` or `cuda:N` as a device that is there. Raises `WfmError`."""
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return torch.device("cuda" if found else "cpu")
    kind, _, index = device.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdigit()) or (kind == "cpu" and index):
        raise WfmError(f"device {device!r} is not known; wanted auto, cpu, cuda or cuda:N")
    if kind == "cuda" and int(index or 0) >= found:
        raise WfmError(f"device {device!r} was asked for, but {found} CUDA devices are there; use auto or cpu")
    return torch.device(device)


def _open(path: Path, sha256: str | None) -> tuple[Contract, torch.jit.ScriptModule]:
    """The verified contents of a bundle file, on the CPU, nothing of it run yet."""
    try:
        data = path.read_bytes()  # once: what is checked is what is loaded
    except OSError as error:
        raise WfmError(f"cannot read {path}: {error.strerror}; check the file") from error
    if sha256 is not None:
        _check_file_hash(data, path, sha256)
    contract = _screen(data, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript stays behind this package
            module = torch.jit.load(io.BytesIO(data), map_location="cpu").eval()
    except RuntimeError as error:
        first = " ".join(str(error).split())[:160]
        raise WfmError(f"{path} cannot be loaded as TorchScript ({first}); make it again with wfm-export") from error
    screen_graphs(module, str(path))
    seen = weights_sha256(weights_of(module))
    if seen != contract.weights_sha256:
        raise WfmError(
            f"{path}: the weights' sha256 is {seen}, but its contract says {contract.weights_sha256}; "
            "get the bundle again or make it with wfm-export"
        )
    return contract, module


def _screen(data: bytes, path: Path) -> Contract:
    """The contract of a file whose outside is in order; nothing is loaded yet."""
    if not data.startswith(ZIP_START):
        raise WfmError(
            f"{path} is not a bundle (it begins with {data[:4]!r}, wanted a zip file); make one with wfm-export"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            contract = _contract(archive, path)
            screen_source(archive, str(path))
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise WfmError(f"{path} is truncated or damaged ({error}, {len(data)} bytes); get the bundle again") from error
    return contract


def _check_file_hash(data: bytes, path: Path, wanted: str) -> None:
    seen = hashlib.sha256(data).hexdigest()
    if seen != wanted.lower():
        raise WfmError(f"{path} has sha256 {seen}, but {wanted} was asked for; get the right file or mend the pin")


def _contract(archive: zipfile.ZipFile, path: Path) -> Contract:
    damaged = archive.testzip()
    if damaged:
        raise WfmError(f"{path} is damaged at {damaged}; get the bundle again")
    names = {name.partition("/")[2]: name for name in archive.namelist()}
    if "constants.pkl" not in names or not any(name.startswith("code/") for name in names):
        raise WfmError(f"{path} is a zip file but not TorchScript; wanted a bundle made by wfm-export")
    if f"extra/{CONTRACT}" not in names:
        raise WfmError(f"{path} is TorchScript without a {CONTRACT} inside; wanted a bundle made by wfm-export")
    return parse_contract(archive.read(names[f"extra/{CONTRACT}"]), str(path))
