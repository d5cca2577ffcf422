# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-scan: find and name every signal in a recording, or in all recordings of a folder."""

import argparse
import sys
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.base.needs import needed
from wfm_core.batch.scans import Scans
from wfm_core.batch.work import Model, Unit
from wfm_core.bundle import Bundle
from wfm_core.cli import command
from wfm_core.cli.batch import absolute, add_batch, bundle_anywhere, check_batch, run_batch, told_failures, units_in
from wfm_core.cli.told import add_told, told_of
from wfm_core.data.recordings.recording import Recording
from wfm_core.messages.output import STDOUT, JsonLines
from wfm_core.scan.signals import Signal


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
    add_batch(parser)
    return parser.parse_args(argv)


@command
def main(argv: list[str] | None) -> int:
    """The command `wfm-scan`."""
    options = _arguments(argv)
    check_batch(options)
    source = user_path(options.input) if options.out is None else absolute(options.input)
    if options.picture is not None:
        try:
            from wfm_core.scan import picture  # noqa: F401 - before a long scan, not after it
        except ImportError as error:
            raise WfmError(f"--picture needs Matplotlib ({error}): pip install matplotlib") from error
    units, unreadable = units_in(source, told_of(options))
    work = Scans(
        Model(bundle_anywhere(options.bundle), options.device, options.dtype, options.engine),
        options.noise,
        options.annotate,
        "" if options.picture is None else str(absolute(options.picture)),
        many=options.out is not None or len(units) + len(unreadable) > 1,
    )
    if options.out is not None:
        return run_batch("wfm-scan", work, units, unreadable, options)
    return _one_by_one(work, units, unreadable, options)


def _one_by_one(work: Scans, units: list[Unit], failures: dict[str, str], options: argparse.Namespace) -> int:
    """In this process; `failures` by recording so far."""
    bundle = work.load()
    lines = JsonLines(options.json) if options.json else None
    try:
        for unit in units:
            try:
                signals = _scan(work, bundle, unit)
            except WfmError as error:
                if not work.many:
                    raise
                failures[unit.name] = str(error)
                continue
            for signal in signals:
                if lines is not None:
                    lines.write(work.line(signal, unit.name))
            if options.json != STDOUT:
                _print(unit.recording, signals, unit.name)
    finally:
        if lines is not None:
            lines.close()
    if lines is not None and lines.failure and not lines.reader_left:
        raise WfmError(lines.failure)
    return told_failures("wfm-scan", failures)


def _scan(work: Scans, bundle: Bundle, unit: Unit) -> list[Signal]:
    with needed("tqdm", "wfm-scan").tqdm(
        total=unit.recording.samples,
        unit="S",
        unit_scale=True,
        desc=unit.name,
        leave=False,
        disable=not sys.stderr.isatty(),
    ) as bar:
        return work.scan(
            bundle,
            unit.recording,
            unit.name,
            say=lambda sentence: print(sentence, file=sys.stderr),
            progress=lambda done: bar.update(done - bar.n),
        )


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


if __name__ == "__main__":
    sys.exit(main())
