# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ends of a detection display in the flowgraph's threads: one for its rows, one for its messages.

They are two blocks since a block with a stream ends with it, and the last decisions come after that.
"""

import math

import numpy as np
import pmt
from gnuradio import gr

from wfm_core.signal.spectrogram import full_scale_db

from ..ports import fields, keys, messages
from ..ports.block import message_block
from ..ports.guard import Guard, guarded, guarded_start
from .state import DisplayState

STATUS_NUMBERS = ("windows_inferred", "windows_dropped", "samples_lost", "latency_ms_p50", "latency_ms_p95")


class display_rows_sink(gr.sync_block):
    """Items float32 [fft_size]: sums of `transforms` rows of WFM Spectrogram; rx_freq tags tune the display.

    `on_start` is called when a run starts, its buffers being made.
    """

    def __init__(self, state: DisplayState, fft_size: int, transforms: int, on_start=lambda: None):
        gr.sync_block.__init__(self, name="wfm_display_rows_sink", in_sig=[(np.float32, fft_size)], out_sig=None)
        self._state, self._transforms, self._on_start = state, transforms, on_start
        self._guard = Guard(self.logger.warn)
        self._full_scale = np.float32(full_scale_db(fft_size))

    @guarded_start
    def start(self) -> None:
        self._state.clear()
        self._on_start()

    def work(self, input_items, output_items):
        rows, first, drawn = input_items[0], self.nitems_read(0), 0
        tags = self.get_tags_in_window(0, 0, len(rows), keys.RX_FREQ)
        for tag in sorted(tags, key=lambda tag: tag.offset):  # the rows before a tag are of the frequency before it
            self._draw(first + drawn, rows[drawn : tag.offset - first])
            drawn = tag.offset - first
            self._tune(tag.value)
        self._draw(first + drawn, rows[drawn:])
        return len(rows)

    @guarded("rows were not drawn")
    def _draw(self, number: int, rows: np.ndarray) -> None:
        if len(rows):
            self._state.add_rows(number, rows / np.float32(self._transforms) - self._full_scale)

    @guarded("an rx_freq tag was ignored")
    def _tune(self, value: pmt.pmt_base) -> None:
        self._state.tune(fields.number({"rx_freq": pmt.to_python(value)}, "rx_freq"))


class display_messages_sink(message_block):
    """Ports in: `detects`, `events`, `status`, as of `wfm.detection_display`."""

    ENDS_LAST = True

    def __init__(self, state: DisplayState):
        super().__init__(
            "wfm_display_messages_sink",
            takes={keys.DETECTS: self._on_detects, keys.EVENTS: self._on_events, keys.STATUS: self._on_status},
            on_refusal=lambda _: state.count_ignored(),
        )
        self._state = state

    def _on_detects(self, message: pmt.pmt_base) -> None:
        self._state.add_detection(messages.read_detection(message))

    def _on_status(self, message: pmt.pmt_base) -> None:
        self._state.set_status(_read_status(message))

    def _on_events(self, message: pmt.pmt_base) -> None:
        if pmt.is_dict(message) and pmt.dict_has_key(message, keys.TEXT):
            self._state.add_notice(str(messages.read_control(message)["text"]))
        else:
            self._state.add_event(*messages.read_event(message))


def _read_status(message: pmt.pmt_base) -> dict:
    status = messages.read_control(message)
    for name in STATUS_NUMBERS:
        if name not in status:
            raise ValueError(f"a status without {name}: that of WFM Inference is expected")
        messages.read_number(name, status[name], -math.inf, math.inf)
    return status
