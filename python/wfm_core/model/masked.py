# SPDX-License-Identifier: GPL-3.0-or-later
"""The masked autoencoder of the pretraining (paper, section III): one encoder and one decoder for all modalities.

The encoder sees the visible tokens only; the decoder sees them and the mask token at every masked place, and a
linear head per modality gives back the masked tokens' values.

Raw IQ has a carrier phase that nothing visible may tell, so its samples alone teach slowly. As an option, another
linear head gives back the log power spectrum of each masked IQ segment, which has no phase.
"""

from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn
from torch.nn import functional

from wfm_core.base.errors import WfmError
from wfm_core.model.channel_images import TABLE_ROWS, ChannelImageTokens, channel_places
from wfm_core.model.encoder import Encoder, EncoderConfig
from wfm_core.model.network import WirelessModel
from wfm_core.model.tokens import ImageTokens, IqTokens, sinusoids_1d, sinusoids_2d, time_positions

DECODER = EncoderConfig(width=128, depth=4, heads=16, mlp_hidden=512)
"""The paper's decoder: 793,088 parameters in its blocks."""

SPECTRUM = "iq_spectrum"
_SPECTRUM_FLOOR = 1e-2  # of the mean power of a bin, about: emptier bins are all alike


class MaskedAutoencoder(nn.Module):
    """Loss and reconstructions of a `WirelessModel` whose input sides are its modalities, "image" and "iq".

    modalities: those that are reconstructed; None for all that the model has.

    antenna_vectors: the decoder's own learned vector per antenna. Without it (the paper's form) masked tokens of
    different antennas at one instant look alike to the decoder. Channels of images that are tokens of their own always
    have such vectors. normalise_targets: modalities whose targets have mean 0 and variance 1 within each token.
    spectrum_weight: of the spectra's loss beside the samples' (0: none, the paper's form). separate_decoders: a decoder
    for each modality, with its own way in and mask token, instead of one.
    """

    def __init__(
        self,
        model: WirelessModel,
        decoder: EncoderConfig = DECODER,
        antenna_vectors: bool = True,
        normalise_targets: Collection[str] = (),
        spectrum_weight: float = 0.0,
        separate_decoders: bool = False,
        modalities: Collection[str] | None = None,
    ):
        super().__init__()
        sides = {"image": model.image, "iq": model.iq}
        inputs = {
            name: tokens
            for name, tokens in sides.items()
            if tokens is not None and (modalities is None or name in modalities)
        }
        self.modalities = tuple(inputs)
        self.normalise_targets = frozenset(normalise_targets)
        if not self.modalities or not self.normalise_targets <= set(self.modalities):
            raise WfmError(
                f"normalised targets for {sorted(self.normalise_targets)} of a model whose modalities are "
                f"{list(self.modalities)}; expected one modality or more, and targets of those only: fix the config"
            )
        self.model = model
        width = model.cls_token.size(-1)

        def each(table: type[nn.Module], make: Callable):
            """One of what `make` gives, or a table with one for each modality."""
            return table({name: make() for name in self.modalities}) if separate_decoders else make()

        self.to_decoder = each(nn.ModuleDict, lambda: nn.Linear(width, decoder.width))
        self.mask_token = each(nn.ParameterDict, lambda: nn.Parameter(torch.randn(1, 1, decoder.width) * 0.02))
        self.decoder = each(nn.ModuleDict, lambda: Encoder(decoder))
        self.decoder_antenna = None
        if "iq" in inputs:
            self.register_buffer("iq_positions", sinusoids_1d(IqTokens.TABLE_STEPS, decoder.width), persistent=False)
            if antenna_vectors:
                self.decoder_antenna = nn.Parameter(torch.randn(model.iq.max_antennas, decoder.width) * 0.02)
        if "image" in inputs:
            self.register_buffer("image_positions", _image_positions(model.image, decoder.width), persistent=False)
        if isinstance(inputs.get("image"), ChannelImageTokens):
            self.decoder_channel = nn.Parameter(torch.randn(model.image.max_channels, decoder.width) * 0.02)
        self.reconstruction = nn.ModuleDict(
            {name: nn.Linear(decoder.width, inputs[name].projection.in_features) for name in self.modalities}
        )
        self.spectrum_weight = spectrum_weight if "iq" in inputs else 0.0
        self.spectrum = nn.Linear(decoder.width, model.iq.segment) if self.spectrum_weight else None
        ways_in = self.to_decoder.values() if separate_decoders else [self.to_decoder]
        for linear in filter(None, (*ways_in, *self.reconstruction.values(), self.spectrum)):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def part(self, name: str, modality: str) -> nn.Module | nn.Parameter:
        """Of "to_decoder", "mask_token" and "decoder" the one that serves the modality."""
        part = getattr(self, name)
        return part[modality] if isinstance(part, nn.ModuleDict | nn.ParameterDict) else part

    def forward(self, modality: str, x: Tensor, mask: Tensor) -> Tensor:
        """The loss, float32 []: the weighted sum of `losses`."""
        losses = self.losses(modality, x, mask)
        return losses[modality] + self.spectrum_weight * losses.get(SPECTRUM, 0.0)

    def losses(self, modality: str, x: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Mean squared errors, float32 [], over the values of the masked tokens, under the modality's name; and over
        their spectra under SPECTRUM, where that is asked for.

        x: images float [B, C, H, W] or IQ complex64 [B, A, T], preprocessed; mask: bool [B, N], True = masked,
        with equally many masked in each row (one on the CPU costs a GPU no wait). Raises `WfmError`.
        """
        values, hidden, decoded = self._decode(modality, x, mask)
        wanted = gather_tokens(self._targets(modality, values), hidden)
        losses = {modality: functional.mse_loss(self.reconstruction[modality](decoded).float(), wanted)}
        if self.spectrum is not None and modality == "iq":
            wanted = log_spectra(gather_tokens(values, hidden))
            losses[SPECTRUM] = functional.mse_loss(self.spectrum(decoded).float(), wanted)
        return losses

    def predicted(self, modality: str) -> list[str]:
        """The targets that are predicted of a modality: itself, and of IQ the SPECTRUM where that is asked for."""
        return [modality, SPECTRUM] if modality == "iq" and self.spectrum is not None else [modality]

    def reconstruct(self, target: str, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Prediction and truth of a `target`, float32 [B, N, P] each; the prediction of a visible token is the truth.

        With normalised targets both are in each token's own units. Arguments and errors as in `forward`.
        """
        modality = "iq" if target == SPECTRUM else target
        values, hidden, decoded = self._decode(modality, x, mask)
        head = self.spectrum if target == SPECTRUM else self.reconstruction[modality]
        predicted, truth = head(decoded).float(), self._targets(target, values)
        return truth.scatter(1, hidden.unsqueeze(2).expand_as(predicted), predicted), truth

    def predictions(self, modality: str, x: Tensor, mask: Tensor, kept_first: bool = False) -> Tensor:
        """What the modality's head gives for every token, visible ones too: [B, N, P] in the order of the tokens.

        Arguments and errors as in `losses`, but that all tokens of a row may be masked, or none. `kept_first`: the
        decoder has the visible tokens at its first places and the masked ones after them, wherever they come from.
        """
        values = self._tokens(modality).values(x)
        visible, hidden = split_tokens(mask, values, least=0)
        places = torch.cat([visible, hidden], dim=1)
        if kept_first:
            places = torch.arange(mask.size(1), device=values.device).expand_as(places)
        predicted = self.reconstruction[modality](self._decoded(modality, x, values, visible, places))
        return torch.zeros_like(predicted).scatter(1, places.unsqueeze(2).expand_as(predicted), predicted)

    def targets(self, target: str, x: Tensor) -> Tensor:
        """What is to be reconstructed, float32 [B, N, P]: an image token's pixels, an IQ token's reals, or the log
        power spectra of IQ segments."""
        return self._targets(target, self._tokens("iq" if target == SPECTRUM else target).values(x))

    def tokens(self, modality: str, x: Tensor) -> int:
        """How many tokens N an input has."""
        return self._tokens(modality).places(x).size(0)

    def _tokens(self, modality: str) -> ImageTokens | ChannelImageTokens | IqTokens:
        if modality not in self.modalities:
            raise WfmError(f"modality {modality!r} of a model that has {list(self.modalities)}: give one of those")
        return self.model.image if modality == "image" else self.model.iq

    def _targets(self, target: str, values: Tensor) -> Tensor:
        if target == SPECTRUM:
            return log_spectra(values)
        values = values.float()
        if target not in self.normalise_targets:
            return values
        variance, mean = torch.var_mean(values, dim=2, keepdim=True)
        return (values - mean) / (variance + 1e-6).sqrt()

    def _decode(self, modality: str, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All tokens' values [B, N, P], the numbers of the hidden ones [B, M], ascending, and what the decoder makes of
        those [B, M, decoder width]."""
        values = self._tokens(modality).values(x)
        visible, hidden = split_tokens(mask, values)
        decoded = self._decoded(modality, x, values, visible, torch.cat([visible, hidden], dim=1))
        return values, hidden, decoded[:, visible.size(1) :]

    def _decoded(self, modality: str, x: Tensor, values: Tensor, visible: Tensor, places: Tensor) -> Tensor:
        """What the decoder makes of all tokens, [B, N, decoder width]: of the `visible` ones [B, V], then of the masked
        ones; `places` [B, N] are the numbers of their positions in the decoder, in that order."""
        tokens = self._tokens(modality)
        count = visible.size(1)
        seen = tokens.place(gather_tokens(values, visible), tokens.places(x)[visible])
        encoded = self.model.encode(seen, tokens.place_cls(self.model.cls_token), tokens.about(x))
        encoded = self.part("to_decoder", modality)(encoded)
        positions = self._decoder_places(modality, x)[places]
        mask_token = self.part("mask_token", modality)
        # A transformer without masks does not mind the order: CLS, visible, hidden saves sorting them back.
        # The CLS token has no position in the decoder either.
        sequence = [encoded[:, :1], encoded[:, 1:] + positions[:, :count], mask_token + positions[:, count:]]
        return self.part("decoder", modality)(torch.cat(sequence, dim=1))[:, 1:]

    def _decoder_places(self, modality: str, x: Tensor) -> Tensor:
        """Positions, and vectors of antennas or channels, of the decoder: [N, decoder width]."""
        if modality == "image":
            image = self.model.image
            if isinstance(image, ChannelImageTokens):
                return channel_places(self.image_positions, self.decoder_channel, x, image.patch)
            return self.image_positions
        places = time_positions(self.iq_positions, x.size(2) // self.model.iq.segment).unsqueeze(1)
        if self.decoder_antenna is None:
            return places.expand(-1, x.size(1), -1).flatten(0, 1)
        return (places + self.decoder_antenna[: x.size(1)]).flatten(0, 1)


def _image_positions(tokens: ImageTokens | ChannelImageTokens, width: int) -> Tensor:
    """Of the decoder's tokens [N, width], or where images have any size the table [TABLE_ROWS, width / 2] for them."""
    if isinstance(tokens, ChannelImageTokens):
        return sinusoids_1d(TABLE_ROWS, width // 2)
    return sinusoids_2d(tokens.height // tokens.patch, tokens.width // tokens.patch, width)


def shared_name(name: str) -> str:
    """The name that a weight of separate decoders has where one decoder serves all modalities; others as they are."""
    part, *rest = name.split(".")
    if part in ("to_decoder", "mask_token", "decoder") and rest and rest[0] in ("image", "iq"):
        return ".".join([part, *rest[1:]])
    return name


def log_spectra(values: Tensor) -> Tensor:
    """IQ tokens' values [B, N, 2 * segment] -> log10 of the power in each of `segment` bins, from 0 Hz upwards."""
    segments = torch.view_as_complex(values.float().unflatten(-1, (-1, 2)).contiguous())
    power = torch.fft.fft(segments, norm="ortho").abs().square()
    return torch.log10(power + _SPECTRUM_FLOOR)


def split_tokens(mask: Tensor, values: Tensor, least: int = 1) -> tuple[Tensor, Tensor]:
    """Numbers of the visible tokens [B, V] and of the hidden ones [B, M], ascending, on the values' device.

    There must be `least` of each, and the same number of them in each row. Raises `WfmError`.
    """
    if mask.dtype != torch.bool or mask.shape != values.shape[:2]:
        raise WfmError(
            f"mask of shape {list(mask.shape)} and {mask.dtype} for tokens {list(values.shape[:2])}; "
            "expected bool of the same shape: make it with random_masks"
        )
    fewest, most = (int(count) for count in mask.sum(dim=1).aminmax())
    if fewest != most or not least <= most <= mask.size(1) - least:
        raise WfmError(
            f"mask with {fewest} to {most} of {mask.size(1)} tokens masked; expected the same number in each row, "
            "some masked and some visible: make it with random_masks"
        )
    order = mask.to(torch.uint8).argsort(dim=1, stable=True).to(values.device)
    return order[:, : mask.size(1) - most], order[:, mask.size(1) - most :]


def gather_tokens(values: Tensor, chosen: Tensor) -> Tensor:
    """Tokens [B, N, P] by number [B, K] -> [B, K, P]."""
    return values.gather(1, chosen.unsqueeze(2).expand(-1, -1, values.size(2)))
