# SPDX-License-Identifier: GPL-3.0-or-later
"""From a fine-tuned model to the plain one that bundles and model folders hold."""

import copy

from wfm_core.model.adapter import merge_adapter
from wfm_core.model.lora import merge_lora
from wfm_core.model.network import WirelessModel


def merged(model: WirelessModel) -> WirelessModel:
    """A copy of equal outputs without LoRA and channel adapter; its `image.channels` are those of the task's images."""
    model = copy.deepcopy(model)
    merge_lora(model)
    if model.image is not None:
        merge_adapter(model.image)
    return model
