# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle from a fine-tuned checkpoint of WavesFM v1."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.bundle.checkpoints import read_checkpoint
from wfm_core.bundle.export import export_model
from wfm_core.model import PATCH, SEGMENT, WirelessModel
from wfm_core.model.wavesfm.keys import is_pretraining
from wfm_core.model.wavesfm.network import MAX_TOKENS, convert_wavesfm

HEADS = {"vit_multi_micro": 4, "vit_multi_small": 8, "vit_multi_base": 8, "vit_multi_large": 12}
POOLINGS = {"token": "cls", "avg": "mean"}
ANY_RATE = (1.0, 1e12)


@dataclass(frozen=True)
class WavesFmOptions:
    """What a checkpoint's weights do not say. `labels` in the order of the head's outputs.

    `window` (samples) of the IQ windows: an IQ model's own, or those that `signal` makes an image model's images of;
    without it an image model takes ready images of `image_size`, prepared by `signal` if there is one. `signal` is a
    contract's `signal:` mapping. None for `heads`, `pooling` and `lora_alpha`: as the file says, else as published.
    `sample_rate` (Hz, lowest and highest) is what the bundle will run at.
    """

    modality: str
    labels: tuple[str, ...]
    task: str = "classification"
    name: str | None = None
    window: int | None = None
    antennas: int | None = None
    sample_rate: tuple[float, float] = ANY_RATE
    image_size: tuple[int, int] = (224, 224)
    signal: dict | None = None
    heads: int | None = None
    pooling: str | None = None
    lora_alpha: float | None = None


def export_wavesfm(file: Path, output: Path, options: WavesFmOptions) -> Path:
    """Script the checkpoint `file` into the bundle `output` (a file, or a folder for NAME.wfm.pt); returns its path.

    LoRA is merged. Raises `WfmError`.
    """
    state, trained = read_checkpoint(file)
    if is_pretraining(state):
        raise WfmError(
            f"{file} is a checkpoint of the authors' pretraining, without a task's head; leave out --labels and "
            "--modality, and it becomes a foundation"
        )
    heads = options.heads or HEADS.get(trained.get("model"), HEADS["vit_multi_small"])
    lora_alpha = options.lora_alpha or trained.get("lora_alpha")
    pooling = options.pooling or POOLINGS.get(trained.get("global_pool"), "cls")
    model = convert_wavesfm(state, options.modality, heads, lora_alpha, options.task)
    _check_labels(model, options)
    weights = model.state_dict()
    contract = {
        "name": options.name or file.stem,
        "encoder": _sizes(model, heads),
        "affine": "after",
        "modality": options.modality,
        **(_iq(model, weights, options) if options.modality == "iq" else _image(model, options)),
        "tasks": {options.task: {"kind": "classification", "labels": list(options.labels), "pooling": pooling}},
        "origin": {"wavesfm": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()},
    }
    return export_model(contract, weights, output)


def _check_labels(model: WirelessModel, options: WavesFmOptions) -> None:
    outputs = model.heads[options.task].linear.out_features
    if len(options.labels) != outputs:
        raise WfmError(
            f"{len(options.labels)} labels ({', '.join(options.labels)}); the checkpoint's head has {outputs} outputs: "
            "name each of them, in order"
        )


def _sizes(model: WirelessModel, heads: int) -> dict:
    block = model.encoder.blocks[0]
    return {
        "width": model.cls_token.size(2),
        "depth": len(model.encoder.blocks),
        "heads": heads,
        "mlp_hidden": block.mlp.fc1.out_features,
        "norm_eps": block.norm1.eps,
    }


def _iq(model: WirelessModel, weights: dict[str, Tensor], options: WavesFmOptions) -> dict:
    """The input's part of the contract; `weights` lose the vectors of antennas that the bundle has not."""
    if model.iq.segment != SEGMENT:
        raise WfmError(f"the checkpoint's tokens are {model.iq.segment} samples; bundles have {SEGMENT}: use another")
    window = options.window or 4096
    known = model.iq.max_antennas
    antennas = options.antennas or max(1, min(known, MAX_TOKENS * SEGMENT // window))
    if window % SEGMENT or antennas > known or antennas * window > MAX_TOKENS * SEGMENT:
        raise WfmError(
            f"windows of {window} samples and {antennas} antennas; expected a multiple of {SEGMENT}, 1 to {known} "
            f"antennas and {MAX_TOKENS * SEGMENT} samples at most in all: fix --window or --antennas"
        )
    weights["iq.antenna"] = weights["iq.antenna"][:antennas]
    return {"input": "iq", **_window(options, window, antennas), "signal": options.signal or {"kind": "iq_rms"}}


def _image(model: WirelessModel, options: WavesFmOptions) -> dict:
    if model.image.patch != PATCH:
        raise WfmError(f"the checkpoint's patches are {model.image.patch} pixels; bundles have {PATCH}: use another")
    given = {"channels": model.image.channels, "size": list(options.image_size)}
    if options.signal is None:
        if options.window:
            raise WfmError("IQ windows for an image model without --signal; say how an image is made of a window")
        return {"input": "image", "image": given}
    image = {**given, "size": options.signal.get("size", given["size"])}
    if options.window is None:
        return {"input": "image", "input_image": given, "image": image, "signal": options.signal}
    window = _window(options, options.window, options.antennas or 1)
    return {"input": "iq", **window, "image": image, "signal": options.signal}


def _window(options: WavesFmOptions, samples: int, antennas: int) -> dict:
    low, high = options.sample_rate
    return {"window": {"antennas": antennas, "samples": samples}, "sample_rate": {"min": low, "max": high}}
