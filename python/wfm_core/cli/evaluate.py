# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate: run a bundle over a recording, or over all in a folder, by the live path's rules, and say what it
finds."""

import argparse
import importlib
import sys
from collections import deque

from wfm_core.base.errors import WfmError
from wfm_core.base.files import user_path
from wfm_core.batch.evaluations import Evaluations, named
from wfm_core.batch.run import Run
from wfm_core.batch.work import Model, Unit
from wfm_core.bundle import load_bundle
from wfm_core.cli import command
from wfm_core.cli.batch import (
    absolute,
    add_batch,
    bundle_anywhere,
    check_batch,
    run_batch,
    told_failures,
    units_in,
)  # fmt: skip
from wfm_core.cli.told import add_told, told_of
from wfm_core.data.recordings.recording import open_recording
from wfm_core.evaluate.tally import Tally
from wfm_core.evaluate.windows import Rules, decisions, judge_by
from wfm_core.messages.output import STDOUT, JsonLines

_OTHERS = {
    "--data": ("wfm_core.evaluate.command", "evaluate_data"),
    "--table": ("wfm_core.evaluate.command", "print_table"),
    "--probe": ("wfm_core.train.probe.command", "evaluate"),
    "--reconstruction": ("wfm_core.train.pretrain.evaluation", "evaluate"),
}
"""Other evaluations by the option that asks for them; slow to import: Lightning, Matplotlib, scikit-learn."""


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "wfm-evaluate",
        description=__doc__,
        epilog="With --data: a task's figures on a labelled data set; with --table: results of runs beside the "
        "published ones; with --probe: what a foundation's frozen features are worth; with --reconstruction: how well "
        "it fills in masked tokens. Each of them explains its options with --help.",
    )
    parser.add_argument("--bundle", required=True, help="name or path of the bundle")
    parser.add_argument(
        "--input",
        required=True,
        metavar="X.sigmf-meta",
        help="the recording: SigMF, an archive or collection of it, a raw file such as X.cu8 or X.cf32, or WAV; or a "
        "folder of them",
    )
    add_told(parser)
    parser.add_argument("--json", metavar="FILE", help="write one decision a line (- is stdout)")
    parser.add_argument("--hop", type=int, default=0, help="samples between window starts (default: one window)")
    parser.add_argument("--settle", type=int, default=0, help="samples to skip after a retune or a jump in time")
    parser.add_argument("--gate-dbfs", type=float, default=-200.0, help="skip windows of less mean power (dBFS)")
    parser.add_argument("--antennas", type=int, help="channels to use; a recording with fewer repeats its last one")
    parser.add_argument("--threshold", type=float, help="open-set threshold (default: the contract's)")
    parser.add_argument(
        "--pool",
        type=int,
        default=0,
        metavar="SAMPLES",
        help="judge blocks of so many samples too, such as 131072, of bundles that average over windows",
    )
    parser.add_argument("--batch", type=int, default=32, help="windows a forward pass (default 32)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--dtype", default="auto", help="auto, fp32, bf16 or int8")
    parser.add_argument("--engine", default="auto", help="auto, torchscript or openvino")
    add_batch(parser)
    return parser.parse_args(argv)


@command
def main(argv: list[str] | None) -> int:
    """The command `wfm-evaluate`."""
    argv = sys.argv[1:] if argv is None else argv
    for option in {argument.partition("=")[0] for argument in argv} & _OTHERS.keys():
        place, name = _OTHERS[option]
        return getattr(importlib.import_module(place), name)(argv)
    options = parse(argv)
    check_batch(options)
    rules = Rules(
        options.hop, options.settle, options.gate_dbfs, options.antennas, options.threshold, options.pool, options.batch
    )
    source = user_path(options.input) if options.out is None else absolute(options.input)
    if not source.is_dir():
        recording = open_recording(source, told_of(options))
        units, unreadable = [Unit(recording, recording.meta_path.name)], {}
    else:
        units, unreadable = units_in(source, told_of(options))
    if options.out is not None:
        work = Evaluations(Model(bundle_anywhere(options.bundle), options.device, options.dtype, options.engine), rules)
        return run_batch("wfm-evaluate", work, units, unreadable, options, lambda ended: _tell(ended, units, options))
    return _one_by_one(rules, units, unreadable, options)


def _one_by_one(rules: Rules, units: list[Unit], failures: dict[str, str], options: argparse.Namespace) -> int:
    """In this process; `failures` by recording so far."""
    many = len(units) + len(failures) > 1
    running = {"device": options.device, "dtype": options.dtype, "engine": options.engine}
    bundle = load_bundle(options.bundle, **running)
    judge = judge_by(rules, bundle, lambda name: load_bundle(name, **running))
    output = JsonLines(options.json, "name another file with --json") if options.json else None
    tally = Tally(bundle.contract)
    for unit in units:
        try:
            lines = decisions(
                unit.recording, bundle, rules, lambda said: print(f"wfm-evaluate: {said}", file=sys.stderr), judge
            )
            for decision in tally.counted(named(lines, unit.name) if many else lines, unit.recording):
                if output is not None and not output.write(decision) and output.reader_left:
                    raise BrokenPipeError  # whoever has enough of the decisions waits for no table
        except WfmError as error:
            if not many:
                raise
            failures[unit.name] = str(error)
    # With the decisions on stdout the table would spoil them.
    tally.print(_title(units), sys.stderr if options.json == STDOUT else sys.stdout)
    if output is not None:
        output.close()
        if output.failure:
            raise WfmError(f"{output.failure}: make room, or name another file with --json")
    return told_failures("wfm-evaluate", failures)


def _title(units: list[Unit]) -> str:
    return units[0].name if len(units) == 1 else f"{len(units)} recordings"


def _tell(ended: Run, units: list[Unit], options: argparse.Namespace) -> None:
    """The table of all results, from whichever run they are."""
    tally = Tally(load_bundle(options.bundle, device="cpu", dtype="fp32", engine="torchscript").contract)
    done = [unit for unit in units if unit.name in set(ended.names)]
    for unit in done:
        deque(tally.counted(ended.results.read(unit.name), unit.recording), maxlen=0)
    tally.print(_title(done), sys.stderr if options.json == STDOUT else sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
