# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Run Report: what a run leaves in a folder. Recording, picture, decisions, summary."""

from pathlib import Path

import pmt
from gnuradio import blocks, gr
from gnuradio.wfm import messages
from gnuradio.wfm.decision_log import decision_log
from gnuradio.wfm.report_files import Run, write_meta, write_summary, write_waterfall
from gnuradio.wfm.truth import SceneTruth

from wfm_core.errors import WfmError
from wfm_core.needs import needed

_FULL_SCALE = 32768.0


class run_report(gr.hier_block2):
    """Records N streams and their decisions; `finish` writes the rest.

    Leaves in `out_dir`: recording.sigmf-data (ci16, channels interleaved) and recording.sigmf-meta with the decisions
    as annotations, decisions.jsonl, waterfall.png, summary.json. With an empty `out_dir` it is only a sink.

    Message port in: `detects`, from the WFM Inference block whose output is recorded.

    Args:
        out_dir: folder, made if it is missing; "" for nothing.
        channels: streams.
        sample_rate: Hz.
        policy: the inference block's, for the summary.

    Raises:
        WfmError: the folder cannot be made or written.
    """

    def __init__(self, out_dir: str = "", channels: int = 2, sample_rate: float = 1.92e6, policy: str = "live"):
        gr.hier_block2.__init__(
            self, "wfm_run_report", gr.io_signature(channels, channels, gr.sizeof_gr_complex), gr.io_signature(0, 0, 0)
        )
        self.message_port_register_hier_in("detects")
        self._out = Path(out_dir) if out_dir else None
        self._channels, self._sample_rate, self._policy = channels, sample_rate, policy
        if self._out is None:
            for channel in range(channels):
                self.connect((self, channel), blocks.null_sink(gr.sizeof_gr_complex))
            return
        needed("sigmf", "a report in a folder")  # now, and not when the run is over
        _make_folder(self._out)
        self._decisions = _decisions(str(self._out / "decisions.jsonl"), sample_rate)
        self.msg_connect(self, "detects", self._decisions, "detects")
        self._connect_recorder(str(self._out / "recording.sigmf-data"))

    def _connect_recorder(self, path: str) -> None:
        self._file = blocks.file_sink(2 * gr.sizeof_short, path)
        to_short = blocks.complex_to_interleaved_short(True, _FULL_SCALE)
        if self._channels == 1:
            self.connect(self, to_short, self._file)
            return
        interleave = blocks.interleave(gr.sizeof_gr_complex, 1)
        for channel in range(self._channels):
            self.connect((self, channel), (interleave, channel))
        self.connect(interleave, to_short, self._file)

    def finish(self, status: dict, truth: SceneTruth | None = None) -> None:
        """After the flowgraph has ended write metadata, picture and summary.

        status: the inference block's; truth: the source's, where the accuracy is to be stated.
        """
        if self._out is None:
            return
        self._file.close()
        run = Run(
            folder=self._out,
            channels=self._channels,
            sample_rate=self._sample_rate,
            policy=self._policy,
            detections=self._decisions.detections,
            truth=truth,
        )
        write_meta(run)
        write_summary(run, status)
        write_waterfall(run)


class _decisions(decision_log):
    """A decision log that also keeps what it saw."""

    def __init__(self, json_path: str, sample_rate: float):
        super().__init__(json_path, sample_rate, quiet=True)
        self.detections: list[messages.Detection] = []

    def _on_detection(self, pdu: pmt.pmt_base) -> None:
        self.detections.append(messages.read_detection(pdu))
        super()._on_detection(pdu)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WfmError(f"the folder {path} cannot be made ({error.strerror}): name one that can") from error
