# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Image Inference: a foundation model on images that come as messages."""

from gnuradio import gr

from wfm_core.base.errors import WfmError

from ..inference.inference_base import inference_base, open_bundle, slots_of
from .image_intake import image_intake
from .image_queue import ImageQueue

POLICIES = ("live", "lossless")


class image_inference(inference_base):
    """Runs a model bundle whose input is an image on the PDUs that come to `images`, such as those of WFM CSI Image.

    Message ports out: `detects` (PDUs), `embeddings` (PDUs), `status` (dict, once a second), `events` (dict), all as of
    `wfm.inference`; there is no stream and so no tag, and `late` is always true. Tasks that answer for every pixel
    (channel_estimate, segmentation) make no decision; their answers go out on `grids` (PDUs). In: `images`; `control`:
    a dict or pair with model, tasks or threshold. An image of another shape than the bundle takes is logged, counted
    (`images_refused`) and ignored. When inference fails, the error is logged, an event, in the status, and the block
    ends; what makes the images goes on.

    Args:
        bundle: name or path of a bundle, or a loaded `wfm_core.Bundle`.
        sample_rate: Hz, of what the images' sample_start counts: of CSI, packets a second. For latencies and times.
        policy: "live" drops the oldest waiting images when inference is too slow; "lossless" keeps them all waiting.
        batch: most images inferred at once; fewer where that is measured to be as fast.
        threshold: open-set threshold (scores below it answer "unknown"), negative for the contract's.
        device: "auto", "cpu" or "cuda", or a server's address: see `wfm.inference`.
        dtype: number format of the encoder, "auto", "fp32", "bf16" or "int8" (CPU only).
        tasks: names with commas of the bundle's tasks to publish, "" for all.
        engine: what computes the encoder, "auto", "torchscript" or "openvino" (CPU only, where it is installed);
            a server chooses its own.
        on_error: what happens when a server does not answer: see `wfm.inference`.

    Raises:
        WfmError: a parameter that the bundle or the block cannot serve; the sentence has both values.
    """

    def __init__(
        self,
        bundle,
        sample_rate: float = 100.0,
        policy: str = "live",
        batch: int = 16,
        threshold: float = -1.0,
        device: str = "auto",
        dtype: str = "auto",
        tasks: str = "",
        engine: str = "auto",
        on_error: str = "stop",
    ):
        gr.hier_block2.__init__(self, "wfm_image_inference", gr.io_signature(0, 0, 0), gr.io_signature(0, 0, 0))
        bundle = open_bundle(bundle, policy, device, dtype, engine, on_error)
        _check(bundle.contract, sample_rate, policy, batch)
        shape = bundle.contract.input_shape
        queue = ImageQueue(slots_of(batch), policy == "lossless", shape, sample_rate, on_error)
        self._add_engine(queue, bundle, 1, batch, threshold, tasks)
        self.message_port_register_hier_out("grids")
        self.msg_connect(self.engine, "grids", self, "grids")
        self.intake = image_intake(queue, shape)
        self.message_port_register_hier_in("images")
        self.msg_connect(self, "images", self.intake, "images")


def _check(contract, sample_rate: float, policy: str, batch: int) -> None:
    if contract.input != "image":
        raise WfmError(
            f"bundle {contract.name} takes {contract.input} input, this block feeds images: use WFM Inference, or "
            "choose another bundle"
        )
    if policy not in POLICIES:
        raise WfmError(f"policy is {policy!r}, one of {', '.join(POLICIES)} is expected")
    if not sample_rate > 0:
        raise WfmError(f"sample_rate is {sample_rate:g}, samples (of CSI, packets) a second are expected")
    if batch < 1:
        raise WfmError(f"batch is {batch}, at least 1 image is expected")
