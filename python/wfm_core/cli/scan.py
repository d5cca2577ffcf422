# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-scan: find and name every signal in a recording, or in all recordings of a folder."""

import argparse
import sys
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.base.needs import needed
from wfm_core.bundle import Bundle, load_bundle
from wfm_core.cli import command
from wfm_core.cli.told import add_told, told_of
from wfm_core.data.recordings.annotations import Mark, annotate
from wfm_core.data.recordings.folder import called_in, recordings_in
from wfm_core.data.recordings.recording import Recording
from wfm_core.messages.output import STDOUT, JsonLines
from wfm_core.scan.signals import Signal, check_bundle, scan

_META = ".sigmf-meta"


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("wfm-scan", description=__doc__)
    parser.add_argument(
        "input",
        metavar="X.sigmf-meta",
        help="the recording: SigMF, an archive of it, a raw file such as X.cu8 or X.cf32, or WAV; or a folder of them",
    )
    add_told(parser)
    parser.set_defaults(real="analytic")
    parser.add_argument("--bundle", default="wfm-signals", help="name or path of the bundle (default: wfm-signals)")
    parser.add_argument("--json", metavar="FILE", help="write one signal a line (- is stdout)")
    parser.add_argument("--annotate", action="store_true", help="write the boxes into the recording's .sigmf-meta")
    parser.add_argument("--picture", type=Path, metavar="PNG", help="draw the waterfall (of a folder: into a folder)")
    parser.add_argument("--noise", action="store_true", help="report what was found and named noise, too")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--dtype", default="auto", help="auto, fp32, bf16 or int8")
    parser.add_argument("--engine", default="auto", help="auto, torchscript or openvino")
    return parser.parse_args(argv)


@command
def main(argv: list[str] | None) -> int:
    """The command `wfm-scan`."""
    options = _arguments(argv)
    source = user_path(options.input)
    if options.picture is not None:
        try:
            from wfm_core.scan import picture  # noqa: F401 - before a long scan, not after it
        except ImportError as error:
            raise WfmError(f"--picture needs Matplotlib ({error}): pip install matplotlib") from error
    recordings = recordings_in(source, told_of(options))
    bundle = load_bundle(options.bundle, device=options.device, dtype=options.dtype, engine=options.engine)
    check_bundle(bundle)
    lines = JsonLines(options.json) if options.json else None
    failed = 0
    try:
        for recording in recordings:
            name = called_in(source, recording)
            try:
                signals = _scan(recording, bundle, options, name)
                _leave(recording, signals, options, name, lines, len(recordings) > 1)
            except WfmError as error:
                if len(recordings) == 1:
                    raise
                failed += 1
                print(f"wfm-scan: {error}", file=sys.stderr)
    finally:
        if lines is not None:
            lines.close()
    if lines is not None and lines.failure and not lines.reader_left:
        raise WfmError(lines.failure)
    return 1 if failed else 0


def _scan(recording: Recording, bundle: Bundle, options: argparse.Namespace, name: str) -> list[Signal]:
    if recording.is_real:
        print(
            f"{name}: real samples ({recording.datatype}); taken as one sideband of a band from 0 to "
            f"{recording.sample_rate / 2:g} Hz",
            file=sys.stderr,
        )
    with needed("tqdm", "wfm-scan").tqdm(
        total=recording.samples, unit="S", unit_scale=True, desc=name, leave=False, disable=not sys.stderr.isatty()
    ) as bar:
        return scan(recording, bundle, keep_noise=options.noise, progress=lambda done: bar.update(done - bar.n))


def _leave(
    recording: Recording, signals: list[Signal], options, name: str, lines: JsonLines | None, many: bool
) -> None:
    """What was found, wherever it was asked for."""
    for signal in signals:
        if lines is not None:
            lines.write({"recording": name, **signal.to_json()} if many else signal.to_json())
    if options.json != STDOUT:
        _print(recording, signals, name)
    if options.annotate:
        _annotate(recording, signals)
    if options.picture is not None:
        from wfm_core.scan.picture import draw_scan

        path = options.picture / f"{Path(name).stem}.png" if many else options.picture
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_scan(path, recording, signals, name)


def _print(recording: Recording, signals: list[Signal], name: str) -> None:
    print(f"{name}: {len(signals)} signals")
    for signal in signals:
        begin, lasts = (samples / recording.sample_rate for samples in (signal.sample_start, signal.sample_count))
        middle = 0.5 * (signal.freq_lower_edge + signal.freq_upper_edge)
        width = signal.freq_upper_edge - signal.freq_lower_edge
        print(
            f"  {begin:10.4f} s  {lasts:8.4f} s  {middle / 1e6:13.6f} MHz  {width / 1e3:9.2f} kHz  "
            f"{signal.snr_db:5.1f} dB  {signal.label} {signal.score:.2f}"
        )


def _annotate(recording: Recording, signals: list[Signal]) -> None:
    if recording.meta_path.suffix != _META:
        raise WfmError(
            f"{recording.meta_path} is no SigMF recording, which --annotate writes into: convert it, or leave it out"
        )
    marks = [
        Mark(
            signal.sample_start,
            signal.sample_start + signal.sample_count,
            signal.label,
            "classification",
            f"score {signal.score:.3f}, SNR {signal.snr_db:.1f} dB",
            lower=signal.freq_lower_edge,
            upper=signal.freq_upper_edge,
        )
        for signal in signals
    ]
    annotate(recording.meta_path, marks, in_stream=False)


if __name__ == "__main__":
    sys.exit(main())
