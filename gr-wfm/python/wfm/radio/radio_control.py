# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands to a radio, and an eye on it: a radio that falls silent, or dies, is an error with a sentence."""

import threading
import time

import pmt

from wfm_core.base.errors import WfmError

from ..ports import keys, messages
from ..ports.block import message_block
from ..ports.endings import say_done

_POLL_SECONDS = 0.1
_HUSH_SECONDS = 0.3
_LATE_SECONDS = 1.0
"""After `duration` by the clock: what the radio's buffers and a busy host may hold back."""
_JOIN_SECONDS = 1.0
_RADIO_KEYS = frozenset({"freq", "gain", "time", "chan", "tag"})


class radio_control(message_block):
    """Beside a radio's stream: takes its commands and watches over its samples.

    Port in: `command`: a dict or pair. `freq` (Hz) and `gain` (dB) for all channels or that of `chan`, `freq` at the
    radio's time `time` (whole seconds, fraction) where it has timed commands; everything else is for the device's own
    block. Ports out: `events` (dict: event `warning`, `refused` or `error`, and text), `status` (dict, once a second).

    Args:
        radio: a `wfm.drivers.radio.Radio`.
        name: of the source, for sentences.
        silence: s without samples after which it is said.
        patience: s without samples after which the stream is ended, an error.
        duration: s of signal after which the stream ends, 0 for never.
    """

    def __init__(self, radio, name: str, silence: float, patience: float, duration: float):
        super().__init__(
            "wfm_radio_control",
            takes={keys.COMMAND: self._obey},
            gives=(keys.EVENTS, keys.STATUS),
            on_refusal=self._count_refusal,
            log="wfm.sdr_source",
        )
        self._radio, self._name = radio, name
        self._silence, self._patience, self._duration = silence, patience, duration
        self._commands_refused = 0
        self._error = ""
        self._runs = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def error(self) -> str:
        """Why the stream ended early, or ""."""
        return self._error

    def status(self) -> dict:
        """samples, overflows, samples_lost (exact), samples_lost_estimated, lost_is ("exact", "estimated"), clock
        ("hardware", "host"), late_commands, commands_refused, error, differences (between asked and got).
        """
        counts = {name: int(value) for name, value in self._radio.tagger.counters().items()}
        return {
            **counts,
            "lost_is": "exact" if self._radio.clock == "hardware" and not counts["samples_lost_estimated"]
            else "estimated",
            "clock": self._radio.clock,
            "late_commands": self._radio.late_commands,
            "commands_refused": self._commands_refused,
            "error": self._error,
            "differences": list(self._radio.differences),
        }  # fmt: skip

    # -- life of the block ---------------------------------------------------------------------------------------

    def start(self) -> None:
        self._error, self._commands_refused = "", 0
        self._stopping = threading.Event()
        self.forget_last_run()
        self._thread = threading.Thread(target=self._watch, args=(self._stopping,), name="wfm-radio", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)
            if self._thread.is_alive():
                seconds = f"{_JOIN_SECONDS:g} s"
                self.complain(f"the watch over source {self._name} did not end within {seconds}: left behind")

    # -- the watch -----------------------------------------------------------------------------------------------

    def _watch(self, stopping: threading.Event) -> None:
        try:
            self._watch_samples(stopping)
        except Exception as error:  # noqa: BLE001 - a watch that dies must not be silent either
            if stopping is self._stopping:
                sentence = f"the watch over source {self._name} failed: {error}"
                self._guard.run(self._fail, sentence, what="the stream was not ended")
        if stopping is not self._stopping:
            return  # it was left behind, and another run has begun
        self._guard.run(self._end_watch, what="the end of the watch was not published")
        say_done(self)

    def _end_watch(self) -> None:
        self._runs = self._radio.tagger.runs()
        self.publish_status()

    def _watch_samples(self, stopping: threading.Event) -> None:
        tagger = self._radio.tagger
        seen, since, began, said, hushed = 0, time.monotonic(), None, False, False
        while not stopping.wait(_POLL_SECONDS):
            now = time.monotonic()
            if tagger.runs() == self._runs:
                since = now
                continue  # this block was started first
            if tagger.ended():
                self._end_of_stream(tagger)
                return
            failure = self._radio.failure()
            if failure:
                self._fail(f"source {self._name} failed after {tagger.samples()} samples: {failure}")
                return
            samples = tagger.samples()
            # Samples that wait for the flowgraph are no fault of the radio's.
            if samples != seen or tagger.waiting():
                if said:
                    self.warn(f"source {self._name} gives samples again, after {now - since:.1f} s without")
                if hushed:
                    self._radio.hush(False)
                began = began or now
                seen, since, said, hushed = samples, now, False, False
            quiet = now - since
            if quiet > _HUSH_SECONDS and not hushed:
                hushed = True
                self._radio.hush(True)
            if quiet > self._silence and not said:
                said = True
                self.warn(f"source {self._name} has given no sample for {quiet:.0f} s")
            if quiet > self._patience:
                self._fail(
                    f"source {self._name} gave no sample for {quiet:.0f} s, {seen} before that: check that it is "
                    "powered and connected, that no other program has it, and that it can give this sample rate"
                )
                return
            if self._duration and began and now - began > self._duration + _LATE_SECONDS:
                wanted = round(self._duration * self._radio.sample_rate)
                self.warn(f"{self._duration:g} s have passed by the clock: {seen} of {wanted} samples came in them")
                tagger.end()
                return
            for sentence in self._radio.warnings():
                self.warn(sentence)
            self.publish_status_when_due()

    def _end_of_stream(self, tagger) -> None:
        """A radio has no end of its own."""
        wanted = round(self._duration * self._radio.sample_rate) if self._duration else None
        if tagger.source_ended() and not self._stopping.is_set() and tagger.samples() != wanted:
            self._fail(
                f"source {self._name} ended after {tagger.samples()} samples: its driver gave up, so look at what it "
                "said, and whether the device is still connected"
            )

    def _fail(self, sentence: str) -> None:
        self._error = sentence
        self.notice("error", sentence)
        self._radio.tagger.end()

    # -- commands ------------------------------------------------------------------------------------------------

    def _count_refusal(self, error: Exception) -> None:
        self._commands_refused += 1
        self.notice("refused", str(error))

    def _obey(self, message: pmt.pmt_base) -> None:
        values = messages.read_control(message)
        if not values.keys() <= _RADIO_KEYS:
            if not self._radio.forward(message):
                names = ", ".join(sorted(values.keys() - _RADIO_KEYS))
                raise WfmError(f"command {names}: this radio's driver takes no commands but freq and gain")
            return
        channel = None
        if values.get("chan", -1) != -1:
            channel = int(messages.read_number("chan", values["chan"], 0, self._radio.channels - 1))
        at = _time(values["time"]) if "time" in values else None
        if "gain" in values:
            gain = messages.read_number("gain", values["gain"], -1000, 1000)
            for each in range(self._radio.channels) if channel is None else (channel,):
                self._radio.set_gain(gain, each)
        if "freq" in values:
            freq = messages.read_number("freq", values["freq"], 0, 1e12)
            freqs = [freq if channel in (None, each) else own for each, own in enumerate(self._radio.freqs)]
            self._radio.set_center_freqs(freqs, at)
        elif "tag" in values:
            self._radio.forward(message)


def _time(value) -> tuple[int, float]:
    """(whole seconds, fraction) of a tuple or a pair, as gr-uhd has it."""
    secs, frac = value
    messages.read_number("time", secs, 0, 2**62)
    return int(secs), messages.read_number("time", frac, 0, 1)
