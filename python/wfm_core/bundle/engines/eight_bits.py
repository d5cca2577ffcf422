# SPDX-License-Identifier: GPL-3.0-or-later
"""int8 by OpenVINO: an encoder's linear layers with 8-bit weights, whose other factor is made 8-bit while it runs.

Weights are int8 with a scale per output channel, as PyTorch has them here (`precision.quantise`); OpenVINO makes groups
of each token's values 8-bit, each with a scale of its own, so that no window's answer depends on the others. Where it
makes none, on a processor without such products, the weights are made wide again, which is slower and as exact.
"""

import torch

from wfm_core.base.needs import needed
from wfm_core.bundle.precision.quantise import quantise_weight

_GROUPS = (128, 64, 32)
"""Values of a token that have a scale together, the best first: with 256 and all of them it was slower here."""


def quantise_weights(model) -> int:
    """Give the products of an `openvino.Model` with constant weights [N, K] or [K, N] 8-bit ones.

    Returns how many values have a scale together, for DYNAMIC_QUANTIZATION_GROUP_SIZE. Raises `ValueError` where there
    are no such products, or their sizes are not for it.
    """
    opset = needed("openvino.opset13", "engine openvino")
    products = [(node, weights) for node in model.get_ordered_ops() if (weights := _weights(node)) is not None]
    inner = {weights.shape[1] for _, weights in products}
    group = next((size for size in _GROUPS if inner and all(values % size == 0 for values in inner)), None)
    if group is None:
        raise ValueError(f"its layers take {sorted(inner)} values, a multiple of {_GROUPS[-1]} is expected for int8")
    for node, weights in products:
        whole, scale = quantise_weight(weights)
        narrow = opset.constant(whole.numpy())
        wide = opset.multiply(opset.convert(narrow, "f32"), opset.constant(scale[:, None].numpy()))
        if not node.get_attributes()["transpose_b"]:
            wide = opset.transpose(wide, opset.constant([1, 0]))
        node.input(1).replace_source_output(wide.output(0))
    return group


def _weights(node) -> torch.Tensor | None:
    """float32 [N, K] of a product with constant weights."""
    if node.get_type_name() != "MatMul" or node.get_attributes()["transpose_a"]:
        return None
    source = node.input(1).get_source_output().get_node()
    if source.get_type_name() != "Constant" or len(source.get_output_shape(0)) != 2:
        return None
    weights = torch.from_numpy(source.get_data().copy()).float()
    return weights if node.get_attributes()["transpose_b"] else weights.T.contiguous()
