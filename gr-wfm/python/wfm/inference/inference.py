# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Inference: a foundation model on live streams."""

from gnuradio import gr

from wfm_core.base.errors import WfmError

from ..ports import keys
from ..wfm_python import window_tap
from .inference_base import batch_of, inference_base, open_bundle, slots_of
from .tap_source import TapSource


class inference(inference_base):
    """Runs a model bundle on windows of N coherent streams; the streams pass through, delayed, with tags.

    Every task of the bundle puts a tag on the first sample of each window it judged: the key is the task's name, the
    value a dict with label, index, score (or position), sample_start, sample_count, rx_time, rx_freq, level (dBFS),
    origin (engine and number format), latency (s), late, out_of_range. The output equals the input, sample for sample:
    the delay is in time only.

    Message ports out: `detects` (PDUs), `embeddings` (PDUs), `status` (dict, once a second), `events` (dict).
    Message port in: `control`: a dict or pair with model (path or name), tasks (list of names), threshold,
    gate_dbfs, hop.

    Args:
        bundle: name or path of a bundle, or a loaded `wfm_core.Bundle`.
        channels: antennas, 1 to what the bundle knows.
        sample_rate: Hz, until rx_rate tags say otherwise.
        hop: samples between the starts of two windows; 0 means back to back.
        hold: samples that the through path lags behind, so that results come in time for their samples.
            It takes about 16 bytes a sample and channel.
        policy: "live" drops the oldest waiting windows when inference is too slow, "lossless" makes the stream wait.
        batch: most windows inferred at once; fewer where that is measured to be as fast, and beyond 16 no more than
            `hold` has room for and the processor takes in one go.
        threshold: open-set threshold (scores below it answer "unknown"), negative for the contract's.
        gate_dbfs: windows with less mean power than this (dBFS) are not inferred.
        settle: samples skipped after a retune or a jump in time.
        device: "auto", "cpu" or "cuda"; or a server's address, such as "grpc://127.0.0.1:5720" (docs/serving.md).
        dtype: number format of the encoder, "auto", "fp32", "bf16" or "int8" (CPU only).
        on_error: "stop" ends the flowgraph when inference fails, "bypass" goes on without decisions; of a server that
            does not answer, "stop" ends it after ten seconds, "bypass" goes on until it answers again.
        tasks: names with commas of the bundle's tasks to publish, "" for all.
        engine: what computes the encoder, "auto", "torchscript" or "openvino" (CPU only, where it is installed);
            a server chooses its own.

    Raises:
        WfmError: a parameter that the bundle or the block cannot serve; the sentence has both values.
    """

    def __init__(
        self,
        bundle="wfm-interference",
        channels: int = 1,
        sample_rate: float = 1.92e6,
        hop: int = 0,
        hold: int = 65536,
        policy: str = "live",
        batch: int = 64,
        threshold: float = -1.0,
        gate_dbfs: float = -200.0,
        settle: int = 0,
        device: str = "auto",
        dtype: str = "auto",
        on_error: str = "stop",
        tasks: str = "",
        engine: str = "auto",
    ):
        signature = gr.io_signature(channels, channels, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, "wfm_inference", signature, signature)
        bundle = open_bundle(bundle, policy, device, dtype, engine, on_error)
        _check(bundle.contract, channels)
        samples, lossless = bundle.contract.samples, policy == "lossless"
        batch = batch_of(batch, bundle, channels, hold // samples)
        self.tap = _make_tap(channels, samples, hop, hold, policy, slots_of(batch), sample_rate, settle, gate_dbfs)
        source = self._source_of(self.tap, channels, samples, sample_rate, lossless, on_error)
        self._add_engine(source, bundle, channels, batch, threshold, tasks, ahead=lossless)
        for channel in range(channels):
            self.connect((self, channel), (self.tap, channel), (self, channel))

    def _source_of(self, *parameters) -> TapSource:
        return TapSource(*parameters)

    def set_gate_dbfs(self, gate_dbfs: float) -> None:
        self.engine.control(keys.GATE_DBFS, gate_dbfs)

    def set_hop(self, hop: int) -> None:
        self.engine.control(keys.HOP, hop)


def _check(contract, channels: int) -> None:
    if contract.modality == "signal":
        raise WfmError(
            f"bundle {contract.name} names single signals, this block feeds windows of the whole band: use WFM Signal "
            "Classifier, or choose another bundle"
        )
    if contract.input != "iq":
        raise WfmError(
            f"bundle {contract.name} takes {contract.input} input, this block feeds IQ: use WFM Image Inference, or "
            "choose another bundle"
        )
    if not 1 <= channels <= contract.antennas:
        raise WfmError(
            f"{channels} channels asked for, bundle {contract.name} knows 1 to {contract.antennas} antennas: "
            "connect fewer channels or choose another bundle"
        )


def _make_tap(*parameters) -> window_tap:
    try:
        return window_tap(*parameters)
    except ValueError as error:
        raise WfmError(str(error)) from error
