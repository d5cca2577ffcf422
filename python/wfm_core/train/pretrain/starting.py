# SPDX-License-Identifier: GPL-3.0-or-later
"""Pretraining that goes on from a foundation: on more data, or on recordings of one's own antenna.

The encoder, the input sides and, where it was kept beside them, the decoder are taken over. So are the statistics
of the windows: the encoder knows those levels.
"""

from pathlib import Path

import safetensors.torch
from torch import Tensor, nn

from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically
from wfm_core.base.weights_file import read_weights
from wfm_core.bundle.foundation import find_foundation, load_foundation
from wfm_core.model.masked import MaskedAutoencoder

DECODER = "decoder.safetensors"
STATISTICS = {"minimum", "maximum", "mean", "std"}
"""Of a `signal:` setting: what is measured rather than chosen."""

_FOUNDATION_PART = "model."  # of a masked autoencoder: what foundation.yaml and its weights hold


def save_decoder(folder: Path, autoencoder: MaskedAutoencoder) -> None:
    """Write what the foundation's own weights leave out, in half precision, so that pretraining can go on."""
    half = {name: weight.detach().cpu().half().contiguous() for name, weight in _decoder(autoencoder).items()}
    write_atomically(folder / DECODER, lambda path: safetensors.torch.save_file(half, path))


def start_from(name: str, training: nn.Module, description: dict) -> None:
    """Put the weights of the foundation `name` into `training`, whose network `description` is of.

    Input sides of modalities that the foundation has not, and a decoder that it has not or of another size, stay
    fresh. Raises `WfmError` for another encoder.
    """
    foundation = load_foundation(name)
    for key in ("encoder", "affine"):
        if foundation.description[key] != description[key]:
            raise WfmError(
                f"init {name}: its {key} is {foundation.description[key]}, the configuration wants {description[key]}; "
                "give the configuration that of the foundation, or leave out init"
            )
    _load(training.model, foundation.model.state_dict(), f"init {name}")
    decoder = find_foundation(name) / DECODER
    if not isinstance(getattr(training, "autoencoder", None), MaskedAutoencoder) or not decoder.is_file():
        return
    weights = read_weights(decoder)
    wanted = _decoder(training.autoencoder)
    if all(name in weights and weights[name].shape == weight.shape for name, weight in wanted.items()):
        training.autoencoder.load_state_dict({name: weights[name] for name in wanted}, strict=False)


def adopt_statistics(name: str, settings: dict[str, dict]) -> None:
    """Put the foundation's statistics of IQ windows in place of what was measured, modality by modality."""
    for modality, there in load_foundation(name).description["modalities"].items():
        if "signal" in there and "signal" in settings.get(modality, {}):
            settings[modality]["signal"] |= {key: there["signal"][key] for key in STATISTICS & set(there["signal"])}


def _decoder(autoencoder: MaskedAutoencoder) -> dict[str, Tensor]:
    weights = autoencoder.state_dict()
    return {name: weight for name, weight in weights.items() if not name.startswith(_FOUNDATION_PART)}


def _load(model: nn.Module, weights: dict[str, Tensor], whose: str) -> None:
    """The weights of those names that `model` has; raises `WfmError` for another shape."""
    wanted = model.state_dict()
    shared = {name: weight for name, weight in weights.items() if name in wanted}
    for name, weight in shared.items():
        if weight.shape != wanted[name].shape:
            raise WfmError(
                f"{whose}: its {name} has shape {list(weight.shape)}, the configuration wants "
                f"{list(wanted[name].shape)}; give the configuration that of the foundation"
            )
    model.load_state_dict(shared, strict=False)
