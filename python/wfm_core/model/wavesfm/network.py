# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tuned models of WavesFM v1, the paper's authors' public release, as ours.

Sizes are read from the state dict. LoRA and the channel adapter are merged into the layers that they belong to, so
what comes out is a plain `WirelessModel` with one head. Their affine comes after positions and CLS token.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from wfm_core.base.errors import WfmError
from wfm_core.model.encoder import EncoderConfig
from wfm_core.model.heads import POOLINGS, ClassHead, pool
from wfm_core.model.network import WirelessModel
from wfm_core.model.tokens import ImageTokens, IqTokens
from wfm_core.model.wavesfm.keys import check_keys, has_lora
from wfm_core.model.wavesfm.layout import input_side

NORM_EPS = 1e-6
"""Of the blocks' LayerNorms under a recent timm; the release they pinned, 1.0.11, has 1e-5. Logits differ by 1e-4."""
MAX_TOKENS = 1024
"""Published models leave out IQ segments beyond so many tokens of all antennas together."""


class WavesFm(nn.Module):
    """`load_wavesfm`'s result: complex64 [B, A, T] or float32 [B, C, H, W] -> logits float32 [B, K].

    `model` is the `WirelessModel` (head "output"). As published: IQ is padded with zeros to whole segments and cut
    after 1024 tokens; images of any size that is a multiple of the patch are taken.
    """

    def __init__(self, model: WirelessModel, modality: str, pooling: str):
        super().__init__()
        self.model, self.modality, self.pooling = model, modality, pooling

    def forward(self, x: Tensor) -> Tensor:
        return self.model.heads["output"](self.embed(x))

    def embed(self, x: Tensor) -> Tensor:
        """As `forward` -> embedding [B, D] that the head takes, after the final norm."""
        encoded = self.model.encode_iq(self._cut(x)) if self.modality == "iq" else self._encode_image(x)
        return pool(encoded, self.pooling)

    def _cut(self, iq: Tensor) -> Tensor:
        if iq.dim() != 3 or not iq.is_complex():
            raise WfmError(f"IQ of shape {list(iq.shape)} and {iq.dtype}; expected complex64 [batch, antenna, sample]")
        segment = self.model.iq.segment
        iq = iq[..., : MAX_TOKENS // max(1, iq.size(1)) * segment]
        # padding a complex tensor is not there on every device: the reals, two a sample
        reals = torch.view_as_real(iq.contiguous()).flatten(2)
        padded = functional.pad(reals, (0, 2 * (-iq.size(2) % segment)))
        return torch.view_as_complex(padded.unflatten(2, (-1, 2)))

    def _encode_image(self, image: Tensor) -> Tensor:
        tokens = self.model.image
        if image.dim() != 4 or not image.is_floating_point():
            raise WfmError(f"image of shape {list(image.shape)} and {image.dtype}; expected float32 [batch, C, H, W]")
        height, width = image.shape[2:]
        if (height, width) != (tokens.height, tokens.width):
            tokens.set_size((height, width))
        return self.model.encode_image(image)


def load_wavesfm(
    state_dict: dict[str, Tensor],
    modality: str = "iq",
    heads: int = 8,
    pooling: str = "cls",
    lora_alpha: float | None = None,
    norm_eps: float = NORM_EPS,
) -> WavesFm:
    """The module in eval mode that a fine-tuned checkpoint of `modality` "iq" or "image" stands for.

    `heads` is not in a state dict: `vit_multi_small` has 8, `vit_multi_micro` 4. Nor is `lora_alpha`, which a
    checkpoint with LoRA needs (published: 64). Raises `WfmError`, which lists keys that are missing or left over.
    """
    if pooling not in POOLINGS:
        raise WfmError(f"pooling {pooling!r} is not known; expected one of {', '.join(POOLINGS)}")
    model = convert_wavesfm(state_dict, modality, heads, lora_alpha, "output", norm_eps)
    return WavesFm(model, modality, pooling).eval()


def convert_wavesfm(
    state: dict[str, Tensor],
    modality: str,
    heads: int,
    lora_alpha: float | None,
    task: str,
    norm_eps: float = NORM_EPS,
) -> WirelessModel:
    """A `WirelessModel` with the checkpoint's weights, its head named `task`; images of 224x224. Raises `WfmError`."""
    depth = check_keys(state, modality)
    if has_lora(state) and (lora_alpha is None or lora_alpha <= 0):
        raise WfmError(
            f"the checkpoint has LoRA adapters and lora_alpha is {lora_alpha}; it is not among the weights: "
            "give the alpha that it was trained with (published models: 64)"
        )
    state = {name: tensor.detach().cpu().double() for name, tensor in state.items()}
    try:
        config = EncoderConfig(
            width=state["cls_token"].shape[-1],
            depth=depth,
            heads=heads,
            mlp_hidden=state["blocks.0.mlp.fc1.weight"].shape[0],
            norm_eps=norm_eps,
        )
        model = _empty(state, modality, config, task)
        model.load_state_dict(_renamed(state, modality, depth, lora_alpha, task))
    except (RuntimeError, ValueError, IndexError) as error:
        first = " ".join(str(error).split())[:300]
        raise WfmError(f"the checkpoint's shapes do not fit a model of {heads} heads: {first}; fix heads") from error
    return model


def _empty(state: dict[str, Tensor], modality: str, config: EncoderConfig, task: str) -> WirelessModel:
    """A model of the checkpoint's size."""
    width = config.width
    classes = {task: ClassHead(width, state["head.weight"].shape[0])}
    if modality == "iq":
        antennas, segment = state["iq_ant_embed.weight"].shape[0], state["iq_segment_embed.weight"].shape[2]
        return WirelessModel(config, iq=IqTokens(width, antennas, segment, affine="after"), heads=classes)
    kernel = state["vis_patch_embed.proj.weight"]
    adapter = state.get("channel_adapter.weight")
    channels = kernel.shape[1] if adapter is None else adapter.shape[1]
    image = ImageTokens(width, channels, kernel.shape[2], affine="after")
    return WirelessModel(config, image=image, heads=classes)


def _renamed(
    state: dict[str, Tensor], modality: str, depth: int, lora_alpha: float | None, task: str
) -> dict[str, Tensor]:
    """The state dict of our model, float64."""
    weights = {"cls_token": state["cls_token"], **input_side(state, modality)}
    for kind in ("weight", "bias"):
        weights[f"encoder.norm.{kind}"] = state[f"norm.{kind}"]
        weights[f"heads.{task}.linear.{kind}"] = state[f"head.{kind}"]
    for block in range(depth):
        start = f"blocks.{block}."
        plain = {name: tensor for name, tensor in state.items() if name.startswith(start) and ".qkv." not in name}
        weights |= {f"encoder.{name}": tensor for name, tensor in plain.items()}
        qkv = _merged_qkv(state, f"{start}attn.qkv.", lora_alpha)
        weights |= {f"encoder.{start}attn.qkv.{kind}": tensor for kind, tensor in qkv.items()}
    return weights


def _merged_qkv(state: dict[str, Tensor], start: str, lora_alpha: float | None) -> dict[str, Tensor]:
    if f"{start}qkv.weight" not in state:
        return {kind: state[start + kind] for kind in ("weight", "bias")}
    weight = state[f"{start}qkv.weight"].clone()
    width = weight.shape[1]
    for part, rows in (("q", slice(0, width)), ("v", slice(2 * width, 3 * width))):
        a, b = state[f"{start}lora_{part}.A"], state[f"{start}lora_{part}.B"]
        weight[rows] += lora_alpha / math.sqrt(a.shape[1]) * (a @ b).T
    return {"weight": weight, "bias": state[f"{start}qkv.bias"]}
