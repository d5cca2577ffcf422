# SPDX-License-Identifier: GPL-3.0-or-later
"""Pretraining that goes on from a foundation: on more data, or on recordings of one's own antenna.

The encoder, the input sides and, where it was kept beside them, the decoder are taken over. So are the statistics
of the windows: the encoder knows those levels. A checkpoint of the authors' pretraining is taken as a foundation
without statistics.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor, nn

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.base.weights_file import read_weights
from wfm_core.bundle.foundation import DECODER, decoder_weights, find_foundation, load_foundation
from wfm_core.bundle.from_wavesfm_pretraining import decoder_of, encoder_of, read_wavesfm_pretraining
from wfm_core.configs.pretraining import Pretraining
from wfm_core.model import EncoderConfig
from wfm_core.model.masked import MaskedAutoencoder, shared_name
from wfm_core.train.objectives.pretraining import PretrainingObjective

STATISTICS = {"minimum", "maximum", "mean", "std"}
"""Of a `signal:` setting: what is measured rather than chosen."""
_PER_ANTENNA = ("iq.antenna", "decoder_antenna")
_MEASURES = "iq.measures.mean"
_CHANNELS, _DECODER_CHANNELS = "image.channel", "decoder_channel"


@dataclass(frozen=True)
class _Start:
    """What a run begins with. `sizes` by the configuration's names; `decoder` may be empty."""

    sizes: dict[str, EncoderConfig | str]
    model: dict[str, Tensor]
    decoder: dict[str, Tensor]


def start_from(config: Pretraining, training: PretrainingObjective) -> None:
    """Put the weights of the foundation `config.init` into `training`, an objective of that configuration.

    `config.init` is a foundation's name or folder, or a checkpoint file of the authors' pretraining. Input sides of
    modalities that it has not, and a decoder that it has not or of another size, stay fresh; of more antennas than the
    configuration has the first are taken. Where each channel of an image makes tokens, a foundation whose images had
    one channel gives its projection, and the channels' vectors stay fresh. Raises `WfmError` for another encoder, or
    another decoder of the authors'.
    """
    start = _of_authors(config) if _is_file(config.init) else _of_foundation(config.init)
    for key, there in start.sizes.items():
        wanted = getattr(config, key)
        if there != (wanted if isinstance(wanted, str) else EncoderConfig(**wanted.model_dump())):
            there = there if isinstance(there, str) else asdict(there)
            wanted = wanted if isinstance(wanted, str) else asdict(EncoderConfig(**wanted.model_dump()))
            raise WfmError(
                f"init {config.init}: its {key} is {there}, the configuration wants {wanted}; "
                "give the configuration that of the foundation, or leave out init"
            )
    if "image" in config.modalities and _CHANNELS in start.model and not config.image.per_channel:
        raise WfmError(
            f"init {config.init}: it makes tokens of each channel of an image, the configuration one token of all; set "
            "image.channels, as [1]"
        )
    if "iq" in config.modalities and _MEASURES in start.model and not config.iq.measures:
        raise WfmError(
            f"init {config.init}: its tokens of IQ are told what was measured of the window, the configuration's are "
            "not; set iq.measures=true"
        )
    _load(training.model, start.model, f"init {config.init}")
    if training.masked is not None:
        _load_decoder(training.masked.autoencoder, start.decoder)
    training.begin()


def adopt_statistics(name: str, settings: dict[str, dict]) -> None:
    """Put the foundation's statistics of IQ windows in place of what was measured, modality by modality."""
    if _is_file(name):
        return  # a checkpoint has none
    for modality, there in load_foundation(name).description["modalities"].items():
        if "signal" in there and "signal" in settings.get(modality, {}):
            settings[modality]["signal"] |= {key: there["signal"][key] for key in STATISTICS & set(there["signal"])}


def _is_file(name: str) -> bool:
    return user_path(name).is_file()


def _of_foundation(name: str) -> _Start:
    foundation = load_foundation(name)
    file = find_foundation(name) / DECODER
    decoder = read_weights(file) if file.is_file() else {}
    sizes = {"encoder": foundation.encoder, "affine": foundation.description["affine"]}
    return _Start(sizes, foundation.model.state_dict(), decoder)


def _of_authors(config: Pretraining) -> _Start:
    decodes = "masked" in config.objectives
    file = Path(user_path(config.init))
    autoencoder = read_wavesfm_pretraining(file, config.encoder.heads, config.decoder.heads if decodes else 1)
    sizes = {"encoder": encoder_of(autoencoder), "affine": "after"}
    if decodes:
        sizes["decoder"] = decoder_of(autoencoder)
    return _Start(sizes, autoencoder.model.state_dict(), decoder_weights(autoencoder))


def _load_decoder(autoencoder: MaskedAutoencoder, weights: dict[str, Tensor]) -> None:
    """Separate decoders both begin as the one that there is; channels' vectors that it has not stay fresh."""
    wanted = decoder_weights(autoencoder)
    if _DECODER_CHANNELS not in weights:
        wanted.pop(_DECODER_CHANNELS, None)
    weights = {name: weights[shared_name(name)] for name in wanted if shared_name(name) in weights} | weights
    weights = _first_antennas(weights, wanted)
    if all(name in weights and weights[name].shape == weight.shape for name, weight in wanted.items()):
        autoencoder.load_state_dict({name: weights[name] for name in wanted}, strict=False)


def _load(model: nn.Module, weights: dict[str, Tensor], whose: str) -> None:
    """The weights of those names that `model` has; raises `WfmError` for another shape."""
    wanted = model.state_dict()
    shared = _first_antennas({name: weight for name, weight in weights.items() if name in wanted}, wanted)
    for name, weight in shared.items():
        if weight.shape != wanted[name].shape:
            raise WfmError(
                f"{whose}: its {name} has shape {list(weight.shape)}, the configuration wants "
                f"{list(wanted[name].shape)}; give the configuration that of the foundation"
            )
    model.load_state_dict(shared, strict=False)


def _first_antennas(weights: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """`weights` with as many antennas' vectors as are wanted, or all that there are."""
    cut = {name: weights[name][: len(wanted[name])] for name in _PER_ANTENNA if name in weights and name in wanted}
    return weights | cut
