# SPDX-License-Identifier: GPL-3.0-or-later
"""A foundation as a bundle without tasks: it gives embeddings alone, for heads that come after it."""

from pathlib import Path

import torch

from wfm_core.base.errors import WfmError
from wfm_core.bundle.export import export_model
from wfm_core.bundle.foundation import Foundation, load_foundation
from wfm_core.model import SEGMENT
from wfm_core.model.adapter import fit_images, merge_adapter
from wfm_core.signal import build_preprocessor

IQ_SAMPLES = 1024
"""The IQ window of the probes that judge a foundation."""


def export_foundation(
    name: str | Path, output: Path, modality: str | None = None, samples: int | None = None, pooling: str = "mean"
) -> Path:
    """Script one modality of the foundation `name` into the bundle `output`; returns its path. Raises `WfmError`.

    `modality`: None for iq where the foundation has it, else image. `samples` of an IQ window: None for `IQ_SAMPLES`,
    or what the foundation's images were made from. `pooling` of the tokens: see `wfm_core.model.pool`.
    """
    foundation = load_foundation(name)
    modality = modality or ("iq" if "iq" in foundation.modalities else "image")
    if modality not in foundation.preprocess:
        raise WfmError(
            f"foundation {foundation.name} cannot make modality {modality} from IQ; "
            f"choose one of {', '.join(foundation.preprocess) or 'none'}"
        )
    if "sample_rate" not in foundation.description:
        raise WfmError(f"foundation {foundation.name} has no sample_rate; add min and max in Hz to foundation.yaml")
    settings = foundation.description["modalities"][modality]
    samples = samples or settings.get("samples", IQ_SAMPLES)
    if modality == "iq" and samples % SEGMENT:
        raise WfmError(f"window is {samples} samples, a multiple of {SEGMENT} is expected, such as {IQ_SAMPLES}")
    contract = {
        "window": {"antennas": settings.get("antennas", 1), "samples": samples},
        "sample_rate": foundation.description["sample_rate"],
        "input": "iq",
        "signal": settings["signal"],
    }
    if modality == "image":
        channels = settings["channels"]
        if settings.get("per_channel"):
            channels = foundation.preprocess["image"](torch.zeros(1, 1, samples, dtype=torch.complex64)).size(1)
        contract["image"] = _fitted(foundation, channels, settings["size"])
    elif settings.get("measures"):
        contract["iq"] = {"measures": True}
    return _export(foundation, modality, pooling, contract, output)


def export_csi_foundation(
    name: str | Path, output: Path, shape: tuple[int, int, int], signal: dict, pooling: str | None = None
) -> Path:
    """Script the image side of the foundation `name` into the bundle `output`, which takes CSI as amplitudes float32
    [B, *shape] with `shape` (antennas, subcarriers, packets); returns its path. Raises `WfmError`.

    `signal`: settings of kind csi_image, with the statistics of such amplitudes; its `size` may be any multiple of 16.
    `pooling`: see `wfm_core.model.pool`; None for "channels" where each of them has tokens of its own, else "mean".
    """
    foundation = load_foundation(name)
    if "image" not in foundation.modalities:
        raise WfmError(f"foundation {foundation.name} knows no images; CSI needs one that does")
    channels = len(signal["mean"])  # one of each channel: twice the antennas where there is motion
    contract = {
        "name": f"{foundation.name}-csi",
        "input": "image",
        "signal": signal,
        "image": _fitted(foundation, channels, signal["size"]),
        "input_image": {"channels": shape[0], "size": list(shape[1:])},
    }
    usual = "channels" if contract["image"].get("per_channel") else "mean"
    return _export(foundation, "image", pooling or usual, contract, output)


def export_csi_profiles(
    name: str | Path, output: Path, shape: tuple[int, int, int], taps: int | None = None, pooling: str = "mean"
) -> Path:
    """Script the image side of the foundation `name`, such as wfm-position, into the bundle `output`, which takes CSI
    of `shape` (antennas, subcarriers, packets) as complex parts float32 [B, 2 * antennas, subcarriers, packets] and
    makes delay profiles of it; returns its path. Raises `WfmError`.

    `taps`: see `wfm_core.signal.CsiProfile`; None for twice as many as subcarriers.
    """
    foundation = load_foundation(name)
    if "image" not in foundation.modalities:
        raise WfmError(f"foundation {foundation.name} knows no images; CSI needs one that does")
    antennas, subcarriers, packets = shape
    if min(shape) < 1 or subcarriers < 2:
        raise WfmError(f"CSI of shape {list(shape)}: 1 antenna, 2 subcarriers, 1 packet or more are expected")
    size = foundation.description["modalities"]["image"]["size"]
    signal = {"kind": "csi_profile", "size": list(size), "taps": taps or max(2 * subcarriers, size[0])}
    build_preprocessor(signal)(torch.zeros(1, 2 * antennas, subcarriers, packets))
    contract = {
        "name": f"{foundation.name}-csi",
        "input": "image",
        "signal": signal,
        "image": _fitted(foundation, antennas, size),
        "input_image": {"channels": 2 * antennas, "size": [subcarriers, packets]},
    }
    return _export(foundation, "image", pooling, contract, output)


def _fitted(foundation: Foundation, channels: int, size: list[int]) -> dict:
    """The `image` of a contract, for images that the foundation's model takes from now on."""
    fit_images(foundation.model.image, channels, tuple(size))
    merge_adapter(foundation.model.image)
    per_channel = foundation.description["modalities"]["image"].get("per_channel")
    return {"channels": channels, "size": list(size)} | ({"per_channel": True} if per_channel else {})


def _export(foundation: Foundation, modality: str, pooling: str, contract: dict, output: Path) -> Path:
    """Export one modality with the rest of its `contract`."""
    description = foundation.description
    common = {
        "name": foundation.name,
        "encoder": description["encoder"],
        "affine": description["affine"],
        "embedding": pooling,
        "modality": modality,
        "origin": {
            "foundation": {"name": foundation.name, "weights_sha256": foundation.weights_sha256},
            "pretraining": description.get("origin", {}),
        },
    }
    other = {"iq": "image.", "image": "iq."}[modality]
    weights = {key: value for key, value in foundation.model.state_dict().items() if not key.startswith(other)}
    return export_model({**common, **contract}, weights, output)
