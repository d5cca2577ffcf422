# SPDX-License-Identifier: GPL-3.0-or-later
"""Where images come in."""

import pmt

from ..ports import keys
from ..ports.block import message_block
from . import image_messages
from .image_queue import ImageQueue


class image_intake(message_block):
    """Takes PDUs on `images` into the queue; those of other shapes are logged, counted and ignored.

    A block of its own: it ends with what makes the images, while the engine still has images to infer.
    """

    def __init__(self, queue: ImageQueue, shape: tuple[int, int, int]):
        super().__init__(
            "wfm_image_intake",
            takes={keys.IMAGES: self._on_image},
            on_refusal=lambda _: queue.count_refusal(),
            log="wfm.image_inference",
        )
        self._queue, self._shape = queue, shape

    def start(self) -> None:
        self.to_basic_block().clear_finished()
        self._queue.open()

    def stop(self) -> None:
        self._queue.end_input()

    def _on_image(self, message: pmt.pmt_base) -> None:
        image = image_messages.read_image(message)
        if image.pixels.shape != self._shape:
            raise ValueError(f"image of shape {list(image.pixels.shape)}: the bundle takes {list(self._shape)}")
        self._queue.put(image)
