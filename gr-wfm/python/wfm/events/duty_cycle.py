# SPDX-License-Identifier: GPL-3.0-or-later
"""Yes and no, one a window, to how much of the time it was yes."""

from dataclasses import replace

import pmt

from wfm_core.base.errors import WfmError

from ..ports import keys, messages
from ..ports.block import message_block
from .smoothing import is_gap


class duty_cycle(message_block):
    """Of every `windows` answers of a task, the share that is `label`.

    Counting begins again where answers are missing (`max_gap` samples or more), where the stream starts again and at
    another rx_freq; what fewer windows said until then is left out.

    Message port in: `detects`, from an inference block; other answers are left out. Port out: `duty`, a dict with task,
    label, share (0 to 1), windows, and where and when the first of them begins and how long all are: sample_start,
    sample_count, rx_time, rx_freq.

    Args:
        task: whose answers count.
        label: the answer that is yes.
        windows: in each share, at least 1.
        max_gap: samples.

    Raises:
        WfmError: a parameter out of its range.
    """

    def __init__(self, task: str, label: str, windows: int, max_gap: int):
        super().__init__("wfm_duty_cycle", takes={keys.DETECTS: self._on_detects}, gives=(keys.DUTY,))
        if windows < 1 or max_gap < 1:
            raise WfmError(f"a duty cycle of {windows} windows, gap {max_gap} samples: 1 or more of both is expected")
        self._task, self._label, self._windows, self._max_gap = task, label, windows, max_gap
        self._counted: list[messages.Detection] = []

    def _on_detects(self, message: pmt.pmt_base) -> None:
        found = messages.read_detection(message)
        if found.task != self._task or found.label is None:
            return
        if self._counted and is_gap(self._counted[-1], found, self._max_gap):
            self._counted.clear()
        self._counted.append(found)
        if len(self._counted) == self._windows:
            self.message_port_pub(keys.DUTY, self._said())
            self._counted.clear()

    def _said(self) -> pmt.pmt_base:
        first, last = self._counted[0], self._counted[-1]
        count = last.sample_start + last.sample_count - first.sample_start
        fields = messages.place_dict(replace(first, sample_count=count))
        fields = pmt.dict_add(fields, keys.TASK, pmt.intern(self._task))
        fields = pmt.dict_add(fields, keys.LABEL, pmt.intern(self._label))
        share = sum(one.label == self._label for one in self._counted) / self._windows
        fields = pmt.dict_add(fields, keys.SHARE, pmt.from_double(share))
        return pmt.dict_add(fields, keys.WINDOWS_COUNTED, pmt.from_long(self._windows))
