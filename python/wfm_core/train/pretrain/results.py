# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished pretraining run leaves: the foundation, its figures and its pictures."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import torch
from lightning.fabric.utilities import move_data_to_device
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import save_decoder, save_foundation
from wfm_core.configs.pretraining import Pretraining
from wfm_core.evaluate.pictures import draw_curves, picture_reconstructions
from wfm_core.model import CHANNELS
from wfm_core.model.masked import MaskedAutoencoder
from wfm_core.train.checkpoints import LAST, read_checkpoint, read_statistics
from wfm_core.train.objectives.masked import MaskedPretraining, build_autoencoder
from wfm_core.train.objectives.pretraining import HELD_OUT_SEED, mean_figures

_PICTURED = 4


def describe(config: Pretraining, settings: dict[str, dict]) -> dict:
    """The part of foundation.yaml that decides the network and what it is fed.

    settings: what statistics.yaml holds: the sources' sample rates, and for each modality what its mixture measured,
    of which only windows of IQ are the foundation's own way in.
    """
    modalities = {}
    for modality in config.modalities:
        signal = settings[modality].get("signal")
        if modality == "image":
            shape = {"samples": config.image.samples, "channels": 1, "size": list(config.image.size)}
            if config.image.per_channel:
                shape |= {"channels": CHANNELS, "per_channel": True}
        else:
            shape = {"antennas": max(config.iq.antennas), "tokens": config.iq.tokens}
            shape |= {"measures": True} if config.iq.measures else {}
        modalities[modality] = shape | ({"signal": signal} if signal else {})
    return {
        "name": config.name,
        "encoder": config.encoder.model_dump(),
        "affine": config.affine,
        "sample_rate": settings.get("sample_rate"),
        "modalities": modalities,
    }


def versions() -> dict[str, str]:
    """Versions that a run's numbers may depend on."""
    packages = {name: version(name) for name in ("wfm-core", "torch", "lightning", "numpy")}
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    return {"python": platform.python_version(), **packages, "device": device}


def write_results(out: Path, config: Pretraining, training, held_out, settings: dict, command: str) -> dict[str, float]:
    """Write the foundation, figures.json and the pictures; returns the figures."""
    training.eval()
    with torch.inference_mode():
        parts = [training.held_out_figures(*move_data_to_device(batch, training.device)) for batch in held_out]
    figures = {name: float(figure) for name, figure in mean_figures(parts).items()}
    minutes = round(training.seconds / 60, 1)
    origin = {
        "command": f"wfm-pretrain {command}".strip(),
        "sources": [source.model_dump(exclude_none=True) for source in config.data.sources],
        "steps": config.steps,
        "windows_seen": config.steps * config.batch,
        "minutes": minutes,
        **versions(),
    }
    save_foundation(out, {**describe(config, settings), "origin": origin}, training.kept.state_dict())
    figures["minutes"] = minutes
    (out / "figures.json").write_text(json.dumps(figures, indent=1))
    draw_curves(out / "pictures" / "curves.png", sorted(out.glob("logs/*/metrics.csv")))
    if training.masked is not None:
        save_decoder(out, training.masked.autoencoder)
        largest = max(held_out, key=lambda batch: batch[0]["image"][0, 0].numel() if "image" in batch[0] else 0)
        _picture(out / "pictures", training.masked, largest)  # small images have next to nothing to see
    return figures


def _picture(folder: Path, training: MaskedPretraining, batch: tuple[dict[str, Tensor], Tensor]) -> None:
    windows, index = move_data_to_device(batch[:2], training.device)
    for modality in training.config.modalities:
        x = windows[modality]
        masks = training.masks(modality, x, index, training.config.seed + HELD_OUT_SEED)
        picture_reconstructions(
            folder / f"reconstructions_{modality}.png",
            training.autoencoder,
            modality,
            x[:_PICTURED],
            masks[:_PICTURED].to(x.device),
            [f"held-out window {number}" for number in range(_PICTURED)],
        )


def load_autoencoder(run: Path, config: Pretraining) -> tuple[MaskedAutoencoder, dict]:
    """The masked autoencoder of a run folder's last checkpoint, in eval mode, and the statistics it goes with."""
    if "masked" not in config.objectives:
        raise WfmError(f"{run} was pretrained with objective {config.objective}; reconstruction wants objective masked")
    settings = read_statistics(run / "statistics.yaml", config)
    checkpoint = read_checkpoint(run / "checkpoints" / LAST, config)
    prefix = "autoencoder." if config.objective == "masked" else "parts.masked.autoencoder."
    try:
        autoencoder = build_autoencoder(config.served_by("masked"), describe(config, settings))
        state = {k.removeprefix(prefix): v for k, v in checkpoint["state_dict"].items() if k.startswith(prefix)}
        autoencoder.load_state_dict(state)
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        said = " ".join(str(error).split())[:200]
        raise WfmError(f"{run}: its checkpoint and statistics do not fit config.yaml ({said}); restore them") from error
    return autoencoder.eval(), settings
