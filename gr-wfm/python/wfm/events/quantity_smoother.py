# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions or bearings, one a window, to a smooth track."""

from collections import deque

import numpy as np
import pmt

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import QUANTITIES

from ..ports import keys, messages
from ..ports.block import message_block
from .smoothing import is_gap


class quantity_smoother(message_block):
    """The mean of the last `windows` answers of one stream that measure `quantity`.

    Of several things in an answer, such as bearings of sources, it is the mean of those answers that have as many as
    most of them do, the latest of what is equally often. It begins again where answers are missing (`max_gap` samples
    or more), where the stream starts again, at another rx_freq, and with positions of another number of axes. A
    message that is no detection is logged and ignored.

    Message port in: `detects`, from an inference block; other answers are left out. Port out: `port`, PDUs as on
    `detects`, with the mean as `quantity`: x, y, z in metres, or degrees (of several sources: of each).

    Args:
        quantity: "position", "angle" or "angles".
        port: name of the port out.
        windows: answers that are averaged, at least 1; fewer at the beginning.
        max_gap: samples (of CSI, packets) without an answer that end a track.

    Raises:
        WfmError: a parameter out of its range.
    """

    def __init__(self, quantity: str, port: pmt.pmt_base, windows: int = 5, max_gap: int = 64):
        super().__init__("wfm_quantity_smoother", takes={keys.DETECTS: self._on_detects}, gives=(port,))
        if windows < 1 or max_gap < 1:
            raise WfmError(f"smoothing over {windows} windows, gap {max_gap} samples: 1 or more of both is expected")
        self._quantity, self._port, self._max_gap = quantity, port, max_gap
        self._recent: deque[np.ndarray] = deque(maxlen=windows)
        self._last: messages.Detection | None = None

    def _on_detects(self, message: pmt.pmt_base) -> None:
        found = messages.read_detection(message)
        if self._quantity in found.decision:
            decision = {self._quantity: self._smooth(found)}
            fields = messages.task_dict(pmt.car(message), decision)
            pdu = messages.detects_pdu(found.task, fields, decision, late=True, window_tasks=1)
            self.message_port_pub(self._port, pdu)

    def _smooth(self, found: messages.Detection) -> np.ndarray:
        if self._last is not None and self._is_gap(self._last, found):
            self._recent.clear()
        self._last = found
        self._recent.append(np.array(found.decision[self._quantity]))
        lengths = [len(one) for one in self._recent]
        usual = max(reversed(lengths), key=lengths.count)
        return np.mean([one for one in self._recent if len(one) == usual], axis=0)

    def _is_gap(self, before: messages.Detection, now: messages.Detection) -> bool:
        other_axes = len(before.decision[self._quantity]) != len(now.decision[self._quantity])
        return (other_axes and not QUANTITIES[self._quantity].several) or is_gap(before, now, self._max_gap)
