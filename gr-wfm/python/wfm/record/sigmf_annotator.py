# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM SigMF Annotator: decisions and events into the metadata of recordings."""

import threading
from pathlib import Path

import pmt
from gnuradio import gr

from wfm_core.data.recordings.annotations import Mark
from wfm_core.data.recordings.sigmf_meta import read_sigmf

from ..ports import fields, messages
from ..ports.block import message_block
from .annotation_queue import AnnotationQueue


class sigmf_annotator(gr.hier_block2):
    """Writes what was detected into the .sigmf-meta of a recording, running or finished, atomically.

    Message ports in: `events` from an event tracker or a preset (one annotation an event, which grows from its begin
    to its end), `detects` from a WFM Inference block (one a window), `recordings`: the `events` of the WFM Recorder
    that records the same streams. Connect events or detects, seldom both.

    Args:
        recording: path of a finished recording that the flowgraph plays from its first sample; "" for those that
            the recorder tells of.
        background: labels, with commas, that are not written.

    Raises:
        WfmError: `recording` is none.
    """

    def __init__(self, recording: str = "", background: str = "none, noise"):
        gr.hier_block2.__init__(self, "wfm_sigmf_annotator", gr.io_signature(0, 0, 0), gr.io_signature(0, 0, 0))
        path = read_sigmf(Path(recording)).meta_path if recording else None
        self._background = {label.strip() for label in background.split(",")}
        self.queue = AnnotationQueue(path, gr.logger("wfm.sigmf_annotator").error)
        self._lock = threading.Lock()
        self._running = 0
        # A message block ends with the first block that it listens to: with one inbox a port, none ends another.
        handlers = {"events": self._on_event, "detects": self._on_detection, "recordings": self._on_recording}
        self.inboxes = {port: inbox(port, handler, self._begin, self._end) for port, handler in handlers.items()}
        for port, block in self.inboxes.items():
            self.message_port_register_hier_in(port)
            self.msg_connect(self, port, block, port)

    def counts(self) -> dict[str, int]:
        """Marks `written`, or `outside` of every recording; messages `refused`."""
        return {**self.queue.counts, "refused": sum(block.refused for block in self.inboxes.values())}

    def failure(self) -> str:
        """Why the last marks may be missing, or ""."""
        return self.queue.failure

    def _begin(self) -> None:
        with self._lock:
            self._running += 1
            if self._running == 1:
                self.queue.start()

    def _end(self) -> None:
        with self._lock:
            self._running = max(0, self._running - 1)
            if self._running == 0:
                self.queue.stop()

    def _on_event(self, message: pmt.pmt_base) -> None:
        self._mark(messages.event_mark(*messages.read_event(message)))

    def _on_detection(self, message: pmt.pmt_base) -> None:
        self._mark(messages.detection_mark(messages.read_detection(message)))

    def _mark(self, mark: Mark) -> None:
        if mark.start == mark.end:
            raise ValueError(f"a detection of no samples, at {mark.start}")
        if mark.label not in self._background:
            self.queue.add(mark)

    def _on_recording(self, message: pmt.pmt_base) -> None:
        values = messages.read_control(message)
        if values["event"] == "begin":
            self.queue.follow(fields.text(values, "path"), fields.whole(values, "sample_start"))


class inbox(message_block):
    """One port's messages, in order, to `handler`; `begin` and `end` are called with each run."""

    def __init__(self, port: str, handler, begin, end):
        self._begin, self._end = begin, end
        super().__init__("wfm_annotator_inbox", takes={pmt.intern(port): handler}, log="wfm.sigmf_annotator")

    def start(self) -> None:
        self._begin()

    def stop(self) -> None:
        self._end()
