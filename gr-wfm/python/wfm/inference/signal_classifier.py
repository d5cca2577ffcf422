# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Signal Classifier: each signal of a band found, taken out of it and named."""

from gnuradio import gr

from wfm_core.base.errors import WfmError
from wfm_core.scan.signals import NO_SIGNAL, check_bundle

from ..events.signal_events import SignalEvents
from ..events.signal_tracker import signal_tracker
from ..wfm_python import signal_finder
from .finder_source import FinderSource
from .inference_base import inference_base, open_bundle
from .presets import preset_base

BATCH = 8
"""Signals named at once: an observation has as many tokens as many windows of IQ."""
_SLOTS = 64
_MAX_GAP_SECONDS = 0.25
"""Between bursts of one event."""


class _signal_inference(inference_base):
    """A `signal_finder` and the engine that names what it finds; ports as of `inference_base`."""

    def __init__(
        self, bundle, task: str, finder: signal_finder, sample_rate: float, policy: str, threshold: float, on_error: str
    ):
        signature = gr.io_signature(1, 1, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, "wfm_signal_inference", signature, signature)
        source = FinderSource(finder, sample_rate, policy == "lossless", task, on_error)
        self._add_engine(source, bundle, 1, BATCH, threshold, task)
        self.connect(self, finder, self)


class signal_classifier(preset_base):
    """Which signals are in a band: where in time and frequency, and of which kind each is. The stream passes through.

    A tag `classification` is put on each signal's first sample, or, if that has left, on the next one, with `late`
    true: a dict as of `wfm.inference`, with freq_lower_edge, freq_upper_edge (Hz, absolute where rx_freq is known) and
    snr_db. The answers to several observations of one signal (its pieces, or bursts in the same place of the band
    within 5 s) are pooled. No signal spans a retune, a jump in time or lost samples.

    Message ports out: `detects` (a PDU a signal), `events` (one event a signal: begin when it is first named, end with
    its extent; pieces of a long signal and bursts less than 0.25 s apart are one), `status` (as of `wfm.inference`, and
    signals_found, signals_decided, signals_dropped, samples_skipped), `notices`. In: `control` (model, tasks,
    threshold).

    Args:
        bundle: name or path of a bundle that names single signals, or a loaded one.
        sample_rate: Hz, until rx_rate tags say otherwise.
        policy: "live" skips samples and drops the oldest signals that wait when finding or naming is too slow, both
            counted; "lossless" makes the stream wait, and no sample passes before the signals on it are named, where
            `hold` is `memory()` or more.
        hold: samples that the stream lags behind, so that tags come in time.
        threshold: open-set threshold (scores below it answer "unknown"), negative for the contract's.
        false_alarms: boxes a second that noise alone may give.
        min_snr: dB; weaker signals are not reported.
        max_duration: seconds; a longer signal is reported in pieces.
        fft_size: frequency bins of the finder's middle resolution, a power of two; 0: by the rate.
        device: "auto", "cpu" or "cuda", or a server's address: see `wfm.inference`.
        dtype, engine: of the encoder, as of `wfm.inference`.
        on_error: what happens when a server does not answer: see `wfm.inference`.

    Raises:
        WfmError: a bundle of another kind, or a parameter out of its range.
    """

    def __init__(
        self,
        bundle="wfm-signals",
        sample_rate: float = 2.4e6,
        policy: str = "live",
        hold: int = 0,
        threshold: float = -1.0,
        false_alarms: float = 0.05,
        min_snr: float = 6.0,
        max_duration: float = 2.0,
        fft_size: int = 0,
        device: str = "auto",
        dtype: str = "auto",
        engine: str = "auto",
        on_error: str = "stop",
    ):
        signature = gr.io_signature(1, 1, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, "wfm_signal_classifier", signature, signature)
        bundle = open_bundle(bundle, policy, device, dtype, engine, on_error)
        task = check_bundle(bundle)
        try:
            self.finder = signal_finder(
                sample_rate=sample_rate,
                fft_size=fft_size,
                false_alarms=false_alarms,
                max_duration=max_duration,
                min_snr=min_snr,
                hold=hold,
                policy=policy,
                extract=True,
                slots=_SLOTS,
            )
        except ValueError as error:
            raise WfmError(str(error)) from error
        self.inference = _signal_inference(bundle, task, self.finder, sample_rate, policy, threshold, on_error)
        gap = round(_MAX_GAP_SECONDS * sample_rate)
        events = SignalEvents(sample_rate, gap, self.finder.memory(), NO_SIGNAL)
        self.tracker = signal_tracker(task, events, lossless=policy == "lossless")
        self.connect(self, self.inference, self)
        self._follow_with(self.tracker, takes=("detects", "status"), gives="events")

    def memory(self) -> int:
        """Samples between a signal's first one and its report, at most."""
        return self.finder.memory()

    def set_threshold(self, threshold: float) -> None:
        self.inference.set_threshold(threshold)
