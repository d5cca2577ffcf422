# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Run Report: what a run leaves in a folder. Recording, picture, decisions, summary."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gnuradio import blocks, gr

from wfm_core.base.errors import WfmError

from ..events.decision_log import decision_log
from ..radio.ground_truth import GroundTruth
from ..wfm_python import frame_sink
from .report_files import Run, begin_meta, write_meta, write_summary
from .report_picture import write_waterfall


class run_report(gr.hier_block2):
    """Records N streams and their decisions; `finish` writes the rest.

    Leaves in `out_dir`: recording.sigmf-data (ci16, channels interleaved) and recording.sigmf-meta with the decisions
    as annotations, decisions.jsonl, waterfall.png, summary.json. With an empty `out_dir` it is only a sink. Samples
    and decisions are on the disk as they come, and nothing of them is kept in memory. When the disk takes no more that
    is logged once, what is there stays, and the flowgraph goes on; `failure()` says it at the end.

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
        self._run: Run | None = None
        self._failures: list[str] = []
        if not out_dir:
            for channel in range(channels):
                self.connect((self, channel), blocks.null_sink(gr.sizeof_gr_complex))
            return
        self._run = Run(Path(out_dir), channels, sample_rate, policy)
        self._make_files()
        self.msg_connect(self, "detects", self.decisions, "detects")
        for channel in range(channels):
            self.connect((self, channel), (self._samples, channel))

    def _make_files(self) -> None:
        run = self._run
        try:
            run.folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise WfmError(f"the folder {run.folder} cannot be made ({reason}): name one that can") from error
        try:
            self._samples = frame_sink(run.channels, str(run.data_path))
            begin_meta(run)
            for of_an_earlier_run in ("summary.json", "waterfall.png"):
                (run.folder / of_an_earlier_run).unlink(missing_ok=True)
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise WfmError(
                f"a recording cannot be written in {run.folder} ({reason}): make room there, or name another folder"
            ) from error
        self.decisions = decision_log(str(run.decisions_path), run.sample_rate, quiet=True)

    def set_sample_rate(self, sample_rate: float) -> None:
        """Hz, where the radio has another rate than was asked for."""
        if self._run is not None:
            self._run = replace(self._run, sample_rate=sample_rate)
            self.decisions.set_sample_rate(sample_rate)

    def finish(self, status: dict, truth: GroundTruth | None = None) -> None:
        """After the flowgraph has ended write metadata, picture and summary. What fails is told by `failure()`.

        status: the inference block's; truth: the source's, where the accuracy is to be stated.
        """
        if self._run is None:
            return
        run = replace(self._run, truth=truth)
        self._try("recording.sigmf-meta has no decisions", lambda: write_meta(run))
        self._try("summary.json was not written", lambda: write_summary(run, status))
        if self._samples.samples():
            self._try("waterfall.png was not written", lambda: write_waterfall(run))

    def failure(self) -> str:
        """One sentence on what is missing in the folder, or ""."""
        if self._run is None:
            return ""
        return "; ".join(filter(None, [self._samples.error(), self.decisions.failure(), *self._failures]))

    def _try(self, without: str, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as error:  # noqa: BLE001 - one file that cannot be made must not cost the others
            self._failures.append(f"{without} ({getattr(error, 'strerror', None) or error})")
