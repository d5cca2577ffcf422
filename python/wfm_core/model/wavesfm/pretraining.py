# SPDX-License-Identifier: GPL-3.0-or-later
"""The pretraining of the paper's authors, their multimodal masked autoencoder, computed by ours.

What theirs does otherwise than the defaults of `MaskedAutoencoder`: the affine comes after positions, antenna vectors
and CLS token, the norms have another eps, the head of images has the channel last and that of IQ all I before all Q,
and with normalised targets it is the error of IQ that is divided by the token's deviation.
"""

import math

import torch
from torch import Tensor, nn
from torch.func import functional_call

from wfm_core.base.errors import WfmError
from wfm_core.model.encoder import EncoderConfig
from wfm_core.model.masked import MaskedAutoencoder
from wfm_core.model.network import WirelessModel
from wfm_core.model.tokens import ImageTokens, IqTokens, sinusoids_1d, sinusoids_2d
from wfm_core.model.wavesfm.keys import POSITIONS, check_pretraining_keys
from wfm_core.model.wavesfm.layout import autoencoder_positions, autoencoder_weights, predictions_as_theirs

NORM_EPS = {"norm_eps": 1e-6, "final_norm_eps": 1e-5}
"""Of the LayerNorms in the blocks, under a recent timm, and of the final ones, in encoder and decoder."""
_SAME_POSITION = 1e-3


class WavesFmPretraining(nn.Module):
    """`load_wavesfm_pretraining`'s result: (x, modality, hidden) -> (loss, prediction).

    Its parameters have the authors' names and shapes, and so have their gradients and `state_dict()`: those of another
    implementation compare with `{name: p.grad for name, p in module.named_parameters()}`. The tables of positions are
    buffers and do not train.
    """

    def __init__(self, state: dict[str, Tensor], network: MaskedAutoencoder, normalise_targets: bool):
        super().__init__()
        self.normalise_targets = normalise_targets
        # not a submodule: its tensors are on the device "meta", and those of this module take their places
        self._network = (_Predictions(network),)
        for name, tensor in state.items():
            _put(self, name, tensor.detach().float().clone(), trains=name not in POSITIONS)

    def forward(self, x: Tensor, modality: str, hidden: Tensor, kept_first: bool = False) -> tuple[Tensor, Tensor]:
        """The loss [] and the prediction of every token [B, L, values], float32.

        Args:
            x: "image": float32 [B, C, H, W]; "iq": complex64 [B, A, T], cut after as many tokens as have positions.
            modality: "image" or "iq".
            hidden: bool [B, L], True = hidden, any number of them in a row. Tokens of images go row by row, those of
                IQ are time-major, antenna-minor.
            kept_first: as the authors' code does where it hides a whole antenna: in the decoder the visible tokens
                have the first positions and the hidden ones those after them, wherever they come from.

        The values are pixels (row, column, channel last), or 16 of I and then 16 of Q. The loss is the mean over the
        hidden tokens of the batch of the mean squared error within a token. Raises `WfmError`.
        """
        network = self._network[0].network
        tensors = dict(self.named_parameters()) | dict(self.named_buffers())
        x = _checked(x, modality, network, autoencoder_positions(tensors))
        _check_hidden(hidden, x.size(0), network.tokens(modality, x))
        hidden = hidden.to(x.device)
        predicted = self._predictions(tensors, modality, x, hidden, kept_first)
        target = getattr(network.model, modality).values(x).to(predicted.dtype)
        loss = self._errors(predicted, target, modality)[hidden].mean()
        return loss, predictions_as_theirs(predicted, modality, network.model.image.channels)

    def _predictions(self, tensors: dict, modality: str, x: Tensor, hidden: Tensor, kept_first: bool) -> Tensor:
        """[B, L, values] in the layout of our tokens; the rows with as many hidden tokens go together."""
        ours = {f"network.{k}": v for k, v in (autoencoder_weights(tensors) | autoencoder_positions(tensors)).items()}
        counts = hidden.sum(dim=1)
        rows = [(counts == count).nonzero().flatten() for count in counts.unique().tolist()]
        parts = [functional_call(self._network[0], ours, (modality, x[r], hidden[r], kept_first)) for r in rows]
        predicted = torch.cat(parts)[torch.cat(rows).argsort()]
        return predicted if predicted.dtype == torch.float64 else predicted.float()

    def _errors(self, predicted: Tensor, target: Tensor, modality: str) -> Tensor:
        """The mean squared error of each token, [B, L]."""
        if not self.normalise_targets:
            return (predicted - target).square().mean(-1)
        variance, mean = torch.var_mean(target, dim=-1, correction=0, keepdim=True)
        deviation = (variance + 1e-6).sqrt()
        if modality == "iq":  # shifted and scaled as its target
            predicted = (predicted - mean) / deviation
        return (predicted - (target - mean) / deviation).square().mean(-1)


class _Predictions(nn.Module):
    """`MaskedAutoencoder.predictions` as a forward pass, which `functional_call` needs."""

    def __init__(self, network: MaskedAutoencoder):
        super().__init__()
        self.network = network

    def forward(self, *arguments) -> Tensor:
        return self.network.predictions(*arguments)


def load_wavesfm_pretraining(
    state: dict[str, Tensor], heads: int, decoder_heads: int, normalise_targets: bool = False
) -> WavesFmPretraining:
    """The authors' masked autoencoder with the weights of `state`, a state dict of their pretraining code.

    `heads` and `decoder_heads` are not in a state dict: their preset "small" has 8 and 16, "micro" 4 and 4. With
    `normalise_targets` the targets have mean 0 and variance 1 within each token, and predictions of IQ are shifted and
    scaled as their targets. Raises `WfmError`, which lists keys that are missing or left over.
    """
    with torch.device("meta"):
        network = _empty(state, heads, decoder_heads)
    return WavesFmPretraining(state, network, normalise_targets)


def convert_wavesfm_pretraining(state: dict[str, Tensor], heads: int, decoder_heads: int) -> MaskedAutoencoder:
    """The same as a `MaskedAutoencoder` of ours, whose `model` is a foundation's. Raises `WfmError`.

    Foundations hold no positions, so those of `state` must be the sinusoids that they are in the authors' code.
    """
    with torch.device("meta"):
        _empty(state, heads, decoder_heads)  # before memory is taken for what does not fit
    network = _empty(state, heads, decoder_heads)
    for name, table in autoencoder_positions(state).items():
        ours = sinusoids_1d(*table.shape) if "iq" in name else network.get_buffer(name)
        _check_positions(table, ours, f"a table of {table.size(0)} positions")
    network.load_state_dict({name: tensor.detach().float() for name, tensor in autoencoder_weights(state).items()})
    return network


def _empty(state: dict[str, Tensor], heads: int, decoder_heads: int) -> MaskedAutoencoder:
    """A masked autoencoder of the sizes of `state`, which fits it. Raises `WfmError`."""
    depth, decoder_depth = check_pretraining_keys(state)
    try:
        width, decoder_width = state["cls_token"].shape[-1], state["mask_token"].shape[-1]
        hidden, decoder_hidden = (state[f"{name}.0.mlp.fc1.weight"].shape[0] for name in ("blocks", "decoder_blocks"))
        config = EncoderConfig(width, depth, heads, hidden, **NORM_EPS)
        decoder = EncoderConfig(decoder_width, decoder_depth, decoder_heads, decoder_hidden, **NORM_EPS)
        antennas, segment = state["iq_ant_embed.weight"].shape[0], state["iq_segment_embed.weight"].shape[2]
        _, channels, patch, _ = state["vis_patch_embed.proj.weight"].shape
        patches = state["vis_pos_embed"].shape[1] - 1
        rows = math.isqrt(patches)
        size = (rows * patch, patches // max(rows, 1) * patch)
        model = WirelessModel(
            config,
            ImageTokens(width, channels, patch, size, affine="after"),
            IqTokens(width, antennas, segment, affine="after"),
        )
        network = MaskedAutoencoder(model, decoder)
        shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
        for name, tensor in autoencoder_weights(state).items():
            if tensor.shape != shapes[name]:
                raise ValueError(f"{name} has shape {list(tensor.shape)}, expected {list(shapes[name])}")
        for name, table in autoencoder_positions(state).items():
            if table.dim() != 2 or table.shape[1] != network.get_buffer(name).shape[1] or not len(table):
                raise ValueError(f"{name} has shape {list(table.shape)}, expected [places, width]")
    except (RuntimeError, ValueError, IndexError, ArithmeticError) as error:
        first = " ".join(str(error).split())[:300]
        raise WfmError(
            f"the checkpoint's shapes do not fit a model of {heads} heads with a decoder of {decoder_heads}: {first}; "
            "fix heads and decoder_heads, or get the file again"
        ) from error
    return network


def _checked(x: Tensor, modality: str, network: MaskedAutoencoder, positions: dict[str, Tensor]) -> Tensor:
    """`x` as the network takes it; images of another grid set the network's. Raises `WfmError`."""
    if modality not in network.modalities:
        raise WfmError(f"modality {modality!r}; expected one of {', '.join(network.modalities)}")
    image, iq = network.model.image, network.model.iq
    if modality == "iq":
        if x.dim() != 3 or not x.is_complex() or not 1 <= x.size(1) <= iq.max_antennas or x.size(2) < iq.segment:
            raise WfmError(
                f"IQ of shape {list(x.shape)} and {x.dtype}; expected complex64 [batch, 1 to {iq.max_antennas} "
                f"antennas, {iq.segment} samples or more]"
            )
        x = x[..., : len(positions["iq_positions"]) // x.size(1) * iq.segment]
        if x.size(2) % iq.segment:
            raise WfmError(f"IQ windows of {x.size(2)} samples; expected a multiple of {iq.segment}: cut them")
        return x.contiguous()
    if x.dim() != 4 or not x.is_floating_point() or x.size(1) != image.channels:
        raise WfmError(
            f"image of shape {list(x.shape)} and {x.dtype}; expected float32 [batch, {image.channels}, height, width]"
        )
    grid = [side // image.patch for side in x.shape[2:]]
    if list(x.shape[2:]) != [side * image.patch for side in grid] or math.prod(grid) != len(
        positions["image_positions"]
    ):
        raise WfmError(
            f"image of {x.size(2)}x{x.size(3)} pixels; expected multiples of {image.patch} that make "
            f"{len(positions['image_positions'])} tokens, as many as the checkpoint has positions"
        )
    if (image.height, image.width) != tuple(x.shape[2:]):
        table = positions["model.image.positions"]
        _check_positions(table, sinusoids_2d(*grid, table.size(1)), f"an image of {x.size(2)}x{x.size(3)} pixels")
        image.height, image.width = x.shape[2:]
    return x


def _check_hidden(hidden: Tensor, batch: int, tokens: int) -> None:
    if hidden.dtype != torch.bool or list(hidden.shape) != [batch, tokens] or not hidden.any():
        raise WfmError(
            f"hidden of shape {list(hidden.shape)} and {hidden.dtype} with {int(hidden.sum())} tokens hidden; expected "
            f"bool [{batch}, {tokens}] with one or more hidden: fix hidden"
        )


def _check_positions(table: Tensor, ours: Tensor, what: str) -> None:
    if not torch.allclose(table.float().cpu(), ours, rtol=0, atol=_SAME_POSITION):
        raise WfmError(f"the checkpoint's positions are not the sinusoids of {what}; give a checkpoint that has those")


def _put(module: nn.Module, name: str, tensor: Tensor, trains: bool) -> None:
    """`tensor` under its dotted `name`: a parameter, or a buffer where it does not train."""
    *path, last = name.split(".")
    for part in path:
        if part not in module._modules:
            module.add_module(part, nn.Module())
        module = module.get_submodule(part)
    if trains:
        module.register_parameter(last, nn.Parameter(tensor))
    else:
        module.register_buffer(last, tensor)
