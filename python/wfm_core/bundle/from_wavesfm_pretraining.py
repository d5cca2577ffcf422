# SPDX-License-Identifier: GPL-3.0-or-later
"""A foundation from a checkpoint of the authors' pretraining."""

import hashlib
from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.bundle.checkpoints import read_checkpoint
from wfm_core.bundle.foundation import DESCRIPTION, save_decoder, save_foundation
from wfm_core.bundle.from_wavesfm import ANY_RATE
from wfm_core.model import PATCH, SEGMENT, EncoderConfig, MaskedAutoencoder
from wfm_core.model.wavesfm.keys import is_pretraining
from wfm_core.model.wavesfm.pretraining import NORM_EPS, convert_wavesfm_pretraining
from wfm_core.signal import build_preprocessor

HEADS = {128: 4, 256: 8, 512: 8, 768: 12}
"""Attention heads of the encoder by its width: presets micro, small, base and large."""
IQ_SIGNAL = {"kind": "iq_standard", "mean": [0.0, 0.0], "std": [0.5**0.5, 0.5**0.5]}
"""Standardised I and Q of a window of unit power; a checkpoint has no statistics."""


def read_wavesfm_pretraining(file: Path, heads: int, decoder_heads: int) -> MaskedAutoencoder:
    """The masked autoencoder of the checkpoint `file` (.safetensors, .pt, .pth). Raises `WfmError`."""
    state, _ = read_checkpoint(file)
    return _converted(file, state, heads, decoder_heads)


def encoder_of(autoencoder: MaskedAutoencoder) -> EncoderConfig:
    """The sizes of the encoder of what `read_wavesfm_pretraining` gave."""
    return _sizes(autoencoder.model.encoder)


def decoder_of(autoencoder: MaskedAutoencoder) -> EncoderConfig:
    """The sizes of its decoder."""
    return _sizes(autoencoder.decoder)


def is_pretraining_checkpoint(file: Path) -> bool:
    """Whether `file` is of the authors' pretraining rather than fine-tuned. Raises `WfmError` for no checkpoint."""
    return is_pretraining(read_checkpoint(file)[0])


def export_wavesfm_pretraining(
    file: Path,
    output: Path,
    name: str | None = None,
    heads: int | None = None,
    sample_rate: tuple[float, float] = ANY_RATE,
    signal: dict | None = None,
) -> Path:
    """Write the checkpoint `file` as a foundation into the folder `output`, or `output`/NAME where that exists.

    Args:
        heads: of the encoder; None for those of the preset that has its width.
        sample_rate: Hz, lowest and highest, that bundles of it will run at.
        signal: a `signal:` mapping for each modality that IQ can be made into; None for `IQ_SIGNAL` of iq alone.

    Returns the folder. Raises `WfmError`, also where the folder holds a foundation.
    """
    state, _ = read_checkpoint(file)
    width = state["cls_token"].shape[-1] if getattr(state.get("cls_token"), "ndim", 0) else 0
    heads = heads or HEADS.get(width)
    if heads is None and is_pretraining(state):
        raise WfmError(f"{file}: width {width} is of no published preset, so its heads are not known; give --heads")
    autoencoder = _converted(file, state, heads or 1, 1)  # the heads of a decoder are kept nowhere
    name = name or file.stem
    folder = output / name if output.is_dir() else output
    if (folder / DESCRIPTION).exists():
        raise WfmError(f"{folder} holds a foundation already; name another folder with -o")
    description = {
        "name": name,
        "encoder": asdict(encoder_of(autoencoder)),
        "affine": "after",
        "sample_rate": {"min": sample_rate[0], "max": sample_rate[1]},
        "modalities": _modalities(file, autoencoder, state, signal or {"iq": IQ_SIGNAL}),
        "origin": {"wavesfm_pretraining": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()},
    }
    save_foundation(folder, description, autoencoder.model.state_dict())
    save_decoder(folder, autoencoder)
    return folder


def _converted(file: Path, state: dict[str, Tensor], heads: int, decoder_heads: int) -> MaskedAutoencoder:
    try:
        autoencoder = convert_wavesfm_pretraining(state, heads, decoder_heads)
    except WfmError as error:
        raise WfmError(f"{file}: {error}") from error
    patch, segment = autoencoder.model.image.patch, autoencoder.model.iq.segment
    if (patch, segment) != (PATCH, SEGMENT):
        raise WfmError(
            f"{file}: its tokens are {patch} pixels wide and {segment} samples long; foundations have {PATCH} and "
            f"{SEGMENT}: use another checkpoint"
        )
    return autoencoder


def _modalities(file: Path, autoencoder: MaskedAutoencoder, state: dict[str, Tensor], signal: dict) -> dict:
    image, iq = autoencoder.model.image, autoencoder.model.iq
    modalities = {
        "image": {"channels": image.channels, "size": [image.height, image.width]},
        "iq": {"antennas": iq.max_antennas, "tokens": state["iq_time_pos_embed"].shape[1] - 1},
    }
    strange = set(signal) - set(modalities)
    if strange:
        raise WfmError(
            f"{file}: signal for {', '.join(map(str, sorted(strange, key=str)))}; expected a mapping for image, iq or "
            "both, such as {iq: {kind: iq_rms}}"
        )
    for modality, settings in signal.items():
        build_preprocessor(settings)
        modalities[modality]["signal"] = settings
    return modalities


def _sizes(encoder) -> EncoderConfig:
    block = encoder.blocks[0]
    return EncoderConfig(
        encoder.norm.normalized_shape[0],
        len(encoder.blocks),
        block.attn.heads,
        block.mlp.fc1.out_features,
        **NORM_EPS,
    )
