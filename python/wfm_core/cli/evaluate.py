# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-evaluate: run a bundle over a recording, by the live path's rules, and say what it finds."""

import argparse
import importlib
import math
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

import numpy as np
import torch

from wfm_core.base.errors import WfmError
from wfm_core.bundle import Bundle, load_bundle
from wfm_core.bundle.outputs import check_output
from wfm_core.bundle.pooling import Blocks, pool_decisions
from wfm_core.cli import command
from wfm_core.cli.told import add_told, told_of
from wfm_core.data.recordings.recording import Recording, open_recording
from wfm_core.data.recordings.windows import window_labels, window_starts
from wfm_core.evaluate.metrics import confusion_matrix, interference_accuracies, mean_class_accuracy
from wfm_core.messages.decisions import decision_json
from wfm_core.messages.output import STDOUT, JsonLines

_OTHERS = {
    "--data": ("wfm_core.evaluate.command", "evaluate_data"),
    "--table": ("wfm_core.evaluate.command", "print_table"),
    "--probe": ("wfm_core.train.probe.command", "evaluate"),
    "--reconstruction": ("wfm_core.train.pretrain.evaluation", "evaluate"),
}
"""Other evaluations by the option that asks for them; slow to import: Lightning, Matplotlib, scikit-learn."""


@dataclass
class Report:
    """What one pass over a recording found."""

    starts: list[int] = field(default_factory=list)
    tasks: list[dict] = field(default_factory=list)  # per inferred window: task -> decision
    invalid: int = 0
    gated: int = 0
    blocks: list[dict] = field(default_factory=list)  # pooled: decision lines


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
        help="the recording: SigMF, an archive or collection of it, a raw file such as X.cu8 or X.cf32, or WAV",
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
        help="pool the decisions on windows over blocks of so many samples, such as 131072; both are reported",
    )
    parser.add_argument("--batch", type=int, default=32, help="windows a forward pass (default 32)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--dtype", default="auto", help="auto, fp32, bf16 or int8")
    parser.add_argument("--engine", default="auto", help="auto, torchscript or openvino")
    return parser.parse_args(argv)


@command
def main(argv: list[str] | None) -> int:
    """The command `wfm-evaluate`."""
    argv = sys.argv[1:] if argv is None else argv
    for option in {argument.partition("=")[0] for argument in argv} & _OTHERS.keys():
        place, name = _OTHERS[option]
        return getattr(importlib.import_module(place), name)(argv)
    options = parse(argv)
    if options.batch < 1:
        raise WfmError(f"--batch {options.batch}: 1 or more is expected")
    recording = open_recording(options.input, told_of(options))
    bundle = load_bundle(options.bundle, device=options.device, dtype=options.dtype, engine=options.engine)
    antennas = check(recording, bundle, options.antennas)
    pool = Pool(recording, bundle, options) if options.pool else None
    report = Report()
    output = JsonLines(options.json, "name another file with --json") if options.json else None
    decisions = decide(recording, bundle, antennas, options, report)
    for decision in decisions if pool is None else pool.beside(decisions, report):
        if output is not None and not output.write(decision) and output.reader_left:
            raise BrokenPipeError  # whoever has enough of the decisions waits for no table
    # With the decisions on stdout the table would spoil them.
    print_report(report, recording, bundle, sys.stderr if options.json == STDOUT else sys.stdout)
    if output is not None:
        output.close()
        if output.failure:
            raise WfmError(f"{output.failure}: make room, or name another file with --json")
    return 0


class Pool:
    """Decision lines of blocks of --pool samples, which no break is in, out of those of windows."""

    def __init__(self, recording: Recording, bundle: Bundle, options: argparse.Namespace):
        self._recording, self._threshold, self._origin = recording, options.threshold, bundle.origin
        self._tasks = {name: task for name, task in bundle.contract.tasks.items() if task.kind == "classification"}
        self._blocks = Blocks(options.pool, bundle.contract.samples)
        self._breaks = np.sort(np.array(list(recording.breaks), np.int64))

    def beside(self, decisions: Iterator[dict], report: Report) -> Iterator[dict]:
        """Each decision, and after the last one of a block that of the block, which goes into the `report` too."""
        piece = -1
        for decision in decisions:
            start, before = decision["sample_start"], piece
            piece = int(np.searchsorted(self._breaks, start, "right"))
            yield from self._pooled(
                self._blocks.add(start, decision["sample_count"], decision, apart=piece != before), report
            )
            yield decision
        yield from self._pooled(self._blocks.finish(), report)

    def _pooled(self, windows: list[dict], report: Report) -> list[dict]:
        if not windows or not self._tasks:
            return []
        start, last = windows[0]["sample_start"], windows[-1]
        tasks = {
            name: pool_decisions(task, [window["tasks"][name] for window in windows], self._threshold)
            for name, task in self._tasks.items()
        }
        count = last["sample_start"] + last["sample_count"] - start
        line = decision_json(
            start, count, tasks, self._recording.rx_time_at(start), self._recording.center_freq_at(start),
            origin=self._origin,
        )  # fmt: skip
        report.blocks.append({**line, "pooled_windows": len(windows)})
        return report.blocks[-1:]


def check(recording: Recording, bundle: Bundle, antennas: int | None) -> int:
    """The number of antennas to use; raises WfmError where the bundle cannot take it, warns of an untrained rate."""
    contract = bundle.contract
    antennas = recording.channels if antennas is None else antennas
    if not 1 <= antennas <= contract.antennas:
        raise WfmError(
            f"{antennas} antennas, the bundle {contract.name} takes 1 to {contract.antennas}: choose with --antennas"
        )
    if not contract.knows_rate(recording.sample_rate):
        print(
            f"wfm-evaluate: warning: sample rate {recording.sample_rate:g} Hz, the bundle {contract.name} was trained "
            f"for {contract.sample_rate_min:g} to {contract.sample_rate_max:g} Hz",
            file=sys.stderr,
        )
    return antennas


def decide(
    recording: Recording, bundle: Bundle, antennas: int, options: argparse.Namespace, report: Report
) -> Iterator[dict]:
    """Fill `report` and yield a JSON decision for each window that is finite and not gated."""
    window = bundle.contract.samples
    starts = window_starts(recording.samples, window, options.hop, recording.breaks, options.settle)
    channels = np.minimum(np.arange(antennas), recording.channels - 1)
    for first in range(0, len(starts), options.batch):
        block = starts[first : first + options.batch]
        iq = np.stack([recording.read(int(start), window)[channels] for start in block])
        keep = passes(iq, options.gate_dbfs, report)
        if not keep.any():
            continue
        outputs = bundle.infer(iq[keep])
        for name, task in bundle.contract.tasks.items():
            check_output(outputs, bundle.contract, name, len(task.labels) or 3)
        for index, start in enumerate(block[keep].tolist()):
            tasks = bundle.decide(outputs, index, threshold=options.threshold)
            report.starts.append(start)
            report.tasks.append(tasks)
            yield decision_json(
                start, window, tasks, recording.rx_time_at(start), recording.center_freq_at(start), origin=bundle.origin
            )


def passes(iq: np.ndarray, gate_dbfs: float, report: Report) -> np.ndarray:
    """Which windows of [B, A, T] are inferred, bool [B]; the others are counted as invalid (NaN, Inf) or gated."""
    with np.errstate(over="ignore", invalid="ignore"):
        power = (iq.real**2 + iq.imag**2).mean(axis=(1, 2))
    finite = np.isfinite(power)
    loud = power >= 10 ** (gate_dbfs / 10)
    report.invalid += int((~finite).sum())
    report.gated += int((finite & ~loud).sum())
    return finite & loud


def print_report(report: Report, recording: Recording, bundle: Bundle, stream: TextIO) -> None:
    print(
        f"{recording.meta_path.name}: {len(report.tasks)} windows of {bundle.contract.samples} samples inferred, "
        f"{report.invalid} invalid, {report.gated} gated",
        file=stream,
    )
    for name, task in bundle.contract.tasks.items():
        decisions = [tasks[name] for tasks in report.tasks]
        if not decisions:
            continue
        if task.kind == "classification":
            print_classes(name, decisions, list(task.labels), stream)
            truth = window_labels(np.array(report.starts), bundle.contract.samples, recording.annotations, task.labels)
            print_accuracies(name, decisions, list(task.labels), truth, stream)
            if report.blocks:
                print_blocks(name, report.blocks, recording, list(task.labels), stream)
        else:
            mean = np.mean([decision["position"] for decision in decisions], axis=0)
            print(f"{name}: mean position {', '.join(f'{value:.2f}' for value in mean)} m", file=stream)


def print_blocks(name: str, blocks: list[dict], recording: Recording, labels: list[str], stream: TextIO) -> None:
    """The same of pooled decisions."""
    windows = [block["pooled_windows"] for block in blocks]
    print(f"pooled, {min(windows)} to {max(windows)} windows a block:", file=stream)
    decisions = [block["tasks"][name] for block in blocks]
    print_classes(name, decisions, labels, stream, "blocks")
    places = [(np.array([block["sample_start"]]), block["sample_count"]) for block in blocks]
    truth = [window_labels(start, count, recording.annotations, labels) for start, count in places]
    print_accuracies(name, decisions, labels, np.concatenate(truth), stream, "blocks")


def print_classes(name: str, decisions: list[dict], labels: list[str], stream: TextIO, of: str = "windows") -> None:
    counts = Counter(decision["label"] for decision in decisions)
    width = max(map(len, [name, *labels, "unknown"]))
    print(f"{name:{width}}  {of:>7}   share  mean score", file=stream)
    for label in [*labels, "unknown"]:
        scores = [decision["score"] for decision in decisions if decision["label"] == label]
        mean = f"{np.mean(scores):.3f}" if scores else "-"
        print(f"{label:{width}}  {counts[label]:7d}  {counts[label] / len(decisions):5.1%}  {mean:>10}", file=stream)


def print_accuracies(
    name: str, decisions: list[dict], labels: list[str], truth: np.ndarray, stream: TextIO, of: str = "windows"
) -> None:
    """Against the recording's annotations, where they use the task's labels."""
    known = np.flatnonzero(truth >= 0)
    if not known.size:
        return
    probabilities = torch.tensor([[decisions[i]["probabilities"][label] for label in labels] for i in known])
    print(f"against {known.size} annotated {of}:", file=stream)
    if name == "interference":
        figures = interference_accuracies(probabilities, torch.from_numpy(truth[known]))
    else:
        confusion = confusion_matrix(probabilities.argmax(1), truth[known], len(labels))
        figures = {"mean per-class accuracy": mean_class_accuracy(confusion)}
    for key, value in figures.items():
        print(f"  {key}: {'- (a class is absent)' if math.isnan(value) else f'{value:.3f}'}", file=stream)


if __name__ == "__main__":
    sys.exit(main())
