# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-scan's work on a recording: its signals as lines, and where they were asked for annotations and a picture."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.batch.work import Do, Lines, Model, Say
from wfm_core.bundle import Bundle
from wfm_core.data.recordings.annotations import Mark, annotate
from wfm_core.data.recordings.recording import Recording
from wfm_core.scan.signals import Signal, check_bundle, scan

_META = ".sigmf-meta"


@dataclass(frozen=True)
class Scans:
    """A `Work`. `picture`: "" for none; a file, or with `many` recordings a folder of them."""

    model: Model
    noise: bool = False
    annotate: bool = False
    picture: str = ""
    many: bool = True

    def settings(self) -> dict:
        return {"noise": self.noise, "annotate": self.annotate, "picture": self.picture}

    def opened(self) -> Do:
        bundle = self.load()

        def lines(recording: Recording, name: str, say: Say) -> Lines:
            signals = self.scan(bundle, recording, name, say)
            yield from (self.line(signal, name) for signal in signals)
            return {"signals": len(signals)}

        return lines

    def load(self) -> Bundle:
        """Raises `WfmError` for a bundle that names no single signals, too."""
        bundle = self.model.load()
        check_bundle(bundle)
        return bundle

    def line(self, signal: Signal, name: str) -> dict:
        """Of the signal, for JSON."""
        return {"recording": name, **signal.to_json()} if self.many else signal.to_json()

    def scan(
        self,
        bundle: Bundle,
        recording: Recording,
        name: str,
        say: Say,
        progress: Callable[[int], None] = lambda done: None,
    ) -> list[Signal]:
        """The signals of a recording, which are in its metadata and its picture then. Raises `WfmError`."""
        if self.annotate and recording.meta_path.suffix != _META:
            raise WfmError(
                f"{recording.meta_path} is no SigMF recording, which --annotate writes into: convert it, or leave it "
                "out"
            )
        if recording.is_real:
            say(
                f"{name}: real samples ({recording.datatype}); taken as one sideband of a band from 0 to "
                f"{recording.sample_rate / 2:g} Hz"
            )
        signals = scan(recording, bundle, keep_noise=self.noise, progress=progress)
        if self.annotate:
            annotate(recording.meta_path, map(_mark, signals), in_stream=False)
        if self.picture:
            from wfm_core.scan.picture import draw_scan  # Matplotlib takes its time

            path = Path(self.picture, f"{name}.png") if self.many else Path(self.picture)
            path.parent.mkdir(parents=True, exist_ok=True)
            draw_scan(path, recording, signals, name)
        return signals


def _mark(signal: Signal) -> Mark:
    return Mark(
        signal.sample_start,
        signal.sample_start + signal.sample_count,
        signal.label,
        "classification",
        f"score {signal.score:.3f}, SNR {signal.snr_db:.1f} dB",
        lower=signal.freq_lower_edge,
        upper=signal.freq_upper_edge,
    )
