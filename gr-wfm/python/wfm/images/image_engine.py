# SPDX-License-Identifier: GPL-3.0-or-later
"""The inference engine for images: the same worker, fed by a queue of messages in place of a window tap."""

import numpy as np
import pmt
from gnuradio import gr

from ..inference.engine import engine
from ..ports import keys
from ..ports.guard import Guard, guarded, guarded_start, guarded_stop
from ..ports.pending_messages import handle_waiting
from . import image_messages
from .image_queue import ImageQueue


class image_engine(engine):
    """See `engine`; `queue` takes the place of the tap. Positions and rates are those of the images' PDUs."""

    def __init__(self, queue: ImageQueue, bundle, sample_rate, batch, threshold, lossless, tasks):
        engine.__init__(self, queue, bundle, 1, sample_rate, batch, threshold, lossless, "stop", tasks)

    def control(self, key: str, value) -> None:
        if key in (keys.GATE_DBFS, keys.HOP):
            raise ValueError(f"control key {key!r}: the block that makes the images has that, not the one that infers")
        super().control(key, value)

    def _blank_windows(self, contract, batch: int, channels: int) -> np.ndarray:
        return np.empty((batch, *contract.input_shape), np.float32)

    def _infer(self, bundle, windows: np.ndarray) -> dict:
        return bundle.infer_image(windows)

    def _lengths(self, batch, contract) -> np.ndarray:
        return batch.sample_count

    def _foreign(self, rates: np.ndarray, contract) -> np.ndarray:
        """An image's contract speaks of no rate."""
        return np.zeros(len(rates), bool)


class image_intake(gr.basic_block):
    """Takes PDUs on `images` into the queue; those of other shapes are logged, counted and ignored.

    A block of its own: it ends with what makes the images, while the engine still has images to infer.
    """

    def __init__(self, queue: ImageQueue, shape: tuple[int, int, int]):
        gr.basic_block.__init__(self, name="wfm_image_intake", in_sig=None, out_sig=None)
        self._queue, self._shape = queue, shape
        self._guard = Guard(gr.logger("wfm.image_inference").error, lambda _: self._queue.refuse())
        self.message_port_register_in(keys.IMAGES)
        self.set_msg_handler(keys.IMAGES, self._on_image)

    @guarded_start
    def start(self) -> bool:
        self.to_basic_block().clear_finished()
        self._queue.open()
        return True

    @guarded_stop
    def stop(self) -> bool:
        handle_waiting(self, keys.IMAGES, self._on_image)
        self._queue.end()
        return True

    @guarded("a message on images was ignored")
    def _on_image(self, message: pmt.pmt_base) -> None:
        image = image_messages.read_image(message)
        if image.pixels.shape != self._shape:
            raise ValueError(f"image of shape {list(image.pixels.shape)}: the bundle takes {list(self._shape)}")
        self._queue.put(image)
