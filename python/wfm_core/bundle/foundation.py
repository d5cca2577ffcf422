# SPDX-License-Identifier: GPL-3.0-or-later
"""Pretrained encoders: a folder with `weights.safetensors` and `foundation.yaml`.

A foundation has no tasks. It holds the encoder, the input side of each modality it was pretrained on, and what must
be done to a window before the tokens, with the data set's statistics: fine-tuning starts from it and carries all
of that on into a bundle's contract.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import safetensors.torch
import torch
from torch import Tensor, nn

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file, user_path, write_atomically
from wfm_core.base.places import search_path
from wfm_core.base.tables import Table, checked
from wfm_core.base.weights_file import read_weights
from wfm_core.base.yaml_text import BYTES_LIMIT
from wfm_core.bundle.assemble import build_network, fitted, weights_sha256
from wfm_core.bundle.contract import Network
from wfm_core.bundle.contracts.fields import Antennas, Channels, Flag, TokenSize, at
from wfm_core.bundle.export import WEIGHTS, finished, write_folder
from wfm_core.bundle.parse import written
from wfm_core.model import EncoderConfig, MaskedAutoencoder, WirelessModel
from wfm_core.signal import build_preprocessor

DESCRIPTION = "foundation.yaml"
DECODER = "decoder.safetensors"

_FOUNDATION_PART = "model."  # of a masked autoencoder: what foundation.yaml and its weights hold


class _Side(Table):
    """One modality; without `signal`, of ready images only, it has no way in from IQ."""

    signal: dict | None = None


class FoundationContract(Network):
    """What is checked of foundation.yaml."""

    called: ClassVar[str] = DESCRIPTION
    tasks: ClassVar[dict] = {}
    stems: ClassVar[dict] = {}
    image_measures: ClassVar[int] = 0
    modalities: dict[Literal["image", "iq"], _Side]
    antennas: Antennas = at(0, "modalities", "iq", "antennas")
    image_channels: Channels = at(0, "modalities", "image", "channels")
    image_size: TokenSize = at((0, 0), "modalities", "image", "size")
    image_per_channel: Flag = at(False, "modalities", "image", "per_channel")
    iq_measures: Flag = at(False, "modalities", "iq", "measures")

    @property
    def sides(self) -> tuple[str, ...]:
        """See `Network`."""
        return tuple(self.modalities)


@dataclass
class Foundation:
    """`description` is the mapping of foundation.yaml; `preprocess` takes IQ windows complex64 [B, A, T] to what
    `model.embed_iq` or `model.embed_image` wants."""

    description: dict
    model: WirelessModel
    preprocess: dict[str, nn.Module]

    @property
    def name(self) -> str:
        return self.description["name"]

    @property
    def modalities(self) -> tuple[str, ...]:
        return tuple(self.description["modalities"])

    @property
    def weights_sha256(self) -> str:
        return weights_sha256(self.model.state_dict())

    @property
    def encoder(self) -> EncoderConfig:
        return _checked(self.description, DESCRIPTION).encoder

    def random(self, seed: int) -> "Foundation":
        """The same network and preprocessing with fresh weights drawn from `seed`: the baseline of a probe."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = build_model(self.description).eval()
        if model.iq is not None and model.iq.measures is not None:
            model.iq.measures.scale_as(self.model.iq.measures)
        return Foundation({**self.description, "name": f"random-{seed}"}, model, self.preprocess)


def build_model(description: dict) -> WirelessModel:
    """The network that a description (or the same part of a pretraining configuration) stands for, fresh weights."""
    return build_network(_checked(description, DESCRIPTION))


def save_foundation(folder: Path, description: dict, weights: dict[str, Tensor]) -> None:
    """Write `weights` (the state dict of a `WirelessModel`) in half precision, and the description, into `folder`."""
    description, half = finished(description, {name: tensor.half() for name, tensor in weights.items()})
    _checked(description, str(folder / DESCRIPTION))
    write_folder(folder, DESCRIPTION, description, half)


def decoder_weights(autoencoder: MaskedAutoencoder) -> dict[str, Tensor]:
    """What the weights of a foundation leave out of the masked autoencoder that it comes from."""
    weights = autoencoder.state_dict()
    return {name: weight for name, weight in weights.items() if not name.startswith(_FOUNDATION_PART)}


def save_decoder(folder: Path, autoencoder: MaskedAutoencoder) -> None:
    """Write the `decoder_weights` beside the foundation, in half precision, so that pretraining can go on."""
    half = {name: weight.detach().cpu().half().contiguous() for name, weight in decoder_weights(autoencoder).items()}
    write_atomically(folder / DECODER, lambda path: safetensors.torch.save_file(half, path))


def load_foundation(name: str | Path) -> Foundation:
    """The foundation in the folder `name`, or NAME in a place of models (`search_path`). Raises `WfmError`."""
    folder = find_foundation(name)
    path = folder / DESCRIPTION
    description = written(read_file(path, BYTES_LIMIT), str(path), "foundation")
    contract = _checked(description, str(path))
    model = fitted(contract, read_weights(folder / WEIGHTS), str(folder))
    ways = {name: side.signal for name, side in contract.modalities.items() if side.signal is not None}
    preprocess = {modality: build_preprocessor(signal) for modality, signal in ways.items()}
    return Foundation(description, model.eval().requires_grad_(False), preprocess)


def _checked(description: dict, where: str) -> FoundationContract:
    return checked(FoundationContract, description, where, "the foundation has no {}; get the file again")


def find_foundation(name: str | Path) -> Path:
    """The folder of a foundation: `name` itself, or NAME in a place of models (`search_path`). Raises `WfmError`."""
    path = user_path(name)
    for folder in (path, *(place.folder / path for place in search_path() if place.models)):
        if (folder / DESCRIPTION).is_file():
            return folder
    raise WfmError(
        f"no foundation {str(name)!r}: neither it nor models/{name} is a folder with {DESCRIPTION}; "
        "give the folder of one, such as a run of wfm-pretrain"
    )


def find_cohort(name: str | Path, embedding: str) -> Path:
    """The file of a cohort: `name` itself, or what the model or foundation of that name has for `embedding`, such as
    `embedding_iq` (its file `cohort_iq.safetensors`). Raises `WfmError`."""
    path = user_path(name)
    if path.is_file():
        return path
    file = f"cohort_{embedding.removeprefix('embedding_')}.safetensors"
    for folder in (path, *(place.folder / path for place in search_path() if place.models)):
        if (folder / file).is_file():
            return folder / file
    raise WfmError(
        f"no cohort {str(name)!r}: it is neither a file nor a model that has one for {embedding}; give a file of your "
        "own"
    )
