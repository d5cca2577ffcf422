# SPDX-License-Identifier: GPL-3.0-or-later
"""Pretrained encoders: a folder with `weights.safetensors` and `foundation.yaml`.

A foundation has no tasks. It holds the encoder, the input side of each modality it was pretrained on, and what must
be done to a window before the tokens, with the data set's statistics: fine-tuning starts from it and carries all
of that on into a bundle's contract.
"""

from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file, user_path, write_atomically
from wfm_core.base.places import search_path
from wfm_core.base.weights_file import read_weights
from wfm_core.base.yaml_text import BYTES_LIMIT, read_yaml, write_yaml
from wfm_core.bundle.assemble import check_encoder, weights_sha256
from wfm_core.bundle.contract import MOST
from wfm_core.bundle.export import WEIGHTS
from wfm_core.bundle.fields import shortened
from wfm_core.model import EncoderConfig, ImageTokens, IqTokens, WirelessModel
from wfm_core.signal import build_preprocessor

DESCRIPTION = "foundation.yaml"
FORMAT = 1


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

    def random(self, seed: int) -> "Foundation":
        """The same network and preprocessing with fresh weights drawn from `seed`: the baseline of a probe."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = build_model(self.description).eval()
        return Foundation({**self.description, "name": f"random-{seed}"}, model, self.preprocess)


def build_model(description: dict) -> WirelessModel:
    """The network that a description (or the same part of a pretraining configuration) stands for, fresh weights."""
    encoder = EncoderConfig(**description["encoder"])
    affine = description["affine"]
    modalities = description["modalities"]
    image = iq = None
    if "image" in modalities:
        settings = modalities["image"]
        image = ImageTokens(encoder.width, settings["channels"], size=tuple(settings["size"]), affine=affine)
    if "iq" in modalities:
        iq = IqTokens(encoder.width, modalities["iq"]["antennas"], affine=affine)
    return WirelessModel(encoder, image=image, iq=iq)


def save_foundation(folder: Path, description: dict, weights: dict[str, Tensor]) -> None:
    """Write `weights` (the state dict of a `WirelessModel`) in half precision, and the description, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    half = {name: tensor.detach().cpu().half().contiguous() for name, tensor in weights.items()}
    description = {"format": FORMAT, **description, "weights_sha256": weights_sha256(half)}
    write_atomically(folder / WEIGHTS, lambda path: safetensors.torch.save_file(half, path))
    text = write_yaml(description)
    write_atomically(folder / DESCRIPTION, lambda path: path.write_text(text))


def load_foundation(name: str | Path) -> Foundation:
    """The foundation in the folder `name`, or NAME in a place of models (`search_path`). Raises `WfmError`."""
    folder = find_foundation(name)
    description = _read_description(folder / DESCRIPTION)
    weights = read_weights(folder / WEIGHTS)
    seen = weights_sha256(weights)
    if seen != description["weights_sha256"]:
        raise WfmError(
            f"{folder}: the weights' sha256 is {seen}, but {DESCRIPTION} says {description['weights_sha256']}; "
            "get both files again from one source"
        )
    try:
        where = f"{folder}: the weights do not fit {DESCRIPTION}"
        check_encoder(EncoderConfig(**description["encoder"]), weights, where)
        _check_sizes(description["modalities"], where)
        model = build_model(description)
        model.load_state_dict(weights)
        modalities = description["modalities"].items()
        # a modality that was pretrained on ready images only has no way in from IQ
        ways = {modality: settings["signal"] for modality, settings in modalities if "signal" in settings}
        preprocess = {modality: build_preprocessor(signal) for modality, signal in ways.items()}
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        first = " ".join(str(error).split(":", 1)[-1].split())[:200]
        raise WfmError(f"{folder}: the weights do not fit {DESCRIPTION}: {first}; get both files again") from error
    return Foundation(description, model.eval().requires_grad_(False), preprocess)


def _check_sizes(modalities: dict, where: str) -> None:
    """Raise `WfmError` for inputs beyond the limits of a contract, before memory for them is asked for."""
    for settings in modalities.values():
        sizes = {"pixels": settings.get("size", []), "channels": [settings.get("channels", 1)]}
        sizes["antennas"] = [settings.get("antennas", 1)]
        for name, values in sizes.items():
            if any(not 1 <= int(value) <= MOST[name] for value in values):
                raise WfmError(f"{where}: {shortened(values)} {name}, expected 1 to {MOST[name]}; get both files again")


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


def _read_description(path: Path) -> dict:
    description = read_yaml(read_file(path, BYTES_LIMIT), str(path))
    wanted = {"format", "name", "encoder", "affine", "modalities", "weights_sha256"}
    missing = wanted - set(description if isinstance(description, dict) else ())
    if missing:
        raise WfmError(f"{path} has no {', '.join(sorted(missing))}; get the file again")
    if description["format"] != FORMAT:
        raise WfmError(f"{path}: format {shortened(description['format'])}, but this version reads format {FORMAT}")
    return description
