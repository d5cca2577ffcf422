# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-export: a trained model, or several of them, become one bundle file."""

import argparse
from pathlib import Path

import yaml

from wfm_core.base.errors import WfmError
from wfm_core.bundle import WavesFmOptions, export_bundle, export_tasks, export_wavesfm
from wfm_core.bundle.export import SUFFIX
from wfm_core.bundle.from_foundation import export_csi_profiles, export_foundation
from wfm_core.bundle.from_wavesfm_pretraining import export_wavesfm_pretraining, is_pretraining_checkpoint
from wfm_core.cli import command
from wfm_core.model import ALL_POOLINGS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wfm-export", description="Script a trained model into one bundle file.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("folder", nargs="?", type=Path, help="model folder, such as models/NAME")
    source.add_argument("--run", type=Path, metavar="DIR", help="folder of a training run")
    source.add_argument(
        "--tasks", nargs="+", metavar="NAME=RUN", help="runs of several tasks; what is alike is computed once"
    )
    source.add_argument(
        "--from-wavesfm",
        type=Path,
        metavar="FILE",
        help="checkpoint of WavesFM v1: fine-tuned (a bundle), or of its pretraining (a foundation)",
    )
    source.add_argument(
        "--foundation", metavar="NAME", help="a foundation: a bundle without tasks, that gives embeddings alone"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path(),
        help="bundle file, or an existing folder for NAME.wfm.pt (here); of a foundation, its folder",
    )
    parser.add_argument("--name", help="the bundle's name (the model's; with --tasks or --from-wavesfm the file's)")
    parser.add_argument(
        "--without-carrier-offset",
        action="store_true",
        help="of a model of transmitters: leave it out, as where the receiver is not tuned alike each time",
    )
    parser.add_argument(
        "--csi",
        type=int,
        nargs=3,
        metavar=("ANTENNAS", "SUBCARRIERS", "PACKETS"),
        help="with --foundation: it takes complex CSI of this shape, as delay profiles",
    )
    parser.add_argument("--taps", type=int, help="with --csi: of a profile's transform (twice as many as subcarriers)")
    _add_wavesfm(
        parser.add_argument_group("with --from-wavesfm", "what the weights do not say; some with --foundation too")
    )
    return parser


def _add_wavesfm(group) -> None:
    group.add_argument("--modality", choices=["iq", "image"], help="(of a foundation: its only one, or iq)")
    group.add_argument("--labels", metavar="A,B,C", help="class names in the order of the head's outputs")
    group.add_argument("--task", default="classification", help="the task's name (classification)")
    group.add_argument(
        "--window",
        type=int,
        metavar="SAMPLES",
        help="IQ window (4096, of a foundation or a model of transmitters its own; an image model takes images)",
    )
    group.add_argument("--antennas", type=int, help="the most (as many as fit into 1024 tokens)")
    group.add_argument("--sample-rate", type=float, nargs="+", metavar="HZ", help="one, or lowest and highest (any)")
    group.add_argument(
        "--image-size", type=int, nargs=2, default=(224, 224), metavar=("H", "W"), help="of ready images"
    )
    group.add_argument(
        "--signal",
        metavar="YAML",
        help="preprocessing as in a contract, for example {kind: iq_rms}; of a foundation {iq: {...}}",
    )
    group.add_argument("--heads", type=int, help="attention heads (as the file says, or 8)")
    group.add_argument("--pooling", choices=ALL_POOLINGS, help="(as the file says, or cls)")
    group.add_argument("--lora-alpha", type=float, help="of a checkpoint with LoRA (as the file says)")


@command
def main(argv: list[str] | None) -> None:
    """The command `wfm-export`."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.from_wavesfm:
        print(_export_wavesfm(parser, options))
        return
    if options.csi and not options.foundation:
        parser.error("--csi says how CSI gets into a foundation: name it with --foundation")
    if options.csi:
        pooling = options.pooling or "mean"
        print(export_csi_profiles(options.foundation, options.output, tuple(options.csi), options.taps, pooling))
        return
    if options.foundation:
        print(
            export_foundation(
                options.foundation, options.output, options.modality, options.window, options.pooling or "mean"
            )
        )
        return
    if options.tasks:
        runs = _runs(options.tasks)
        print(export_tasks(runs, options.output, options.name or _name(options.output, runs)))
        return
    folder = options.run or options.folder
    if not folder.is_dir():
        raise WfmError(f"{folder} is not a folder; give the folder that holds weights.safetensors and contract.yaml")
    offset = False if options.without_carrier_offset else None
    print(export_bundle(folder, options.output, options.window, offset, options.name))


def _export_wavesfm(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Path:
    """A bundle of a fine-tuned checkpoint, a foundation of one of the pretraining."""
    file = options.from_wavesfm
    if options.modality and options.labels:
        return export_wavesfm(file, options.output, _wavesfm_options(options))
    if options.modality or options.labels or not (file.is_file() and is_pretraining_checkpoint(file)):
        parser.error("--from-wavesfm needs --modality and --labels, except of a checkpoint of the pretraining")
    foreign = [name for name in ("window", "antennas", "pooling", "lora_alpha") if getattr(options, name) is not None]
    if foreign:
        parser.error(f"--{foreign[0].replace('_', '-')} says nothing about a checkpoint of the pretraining")
    given = {"name": options.name, "heads": options.heads}
    if options.sample_rate:
        given["sample_rate"] = (min(options.sample_rate), max(options.sample_rate))
    if options.signal:
        given["signal"] = _signal(options.signal)
    return export_wavesfm_pretraining(file, options.output, **given)


def _runs(texts: list[str]) -> dict[str, Path]:
    """The folders of `--tasks`, by task name."""
    runs: dict[str, Path] = {}
    for text in texts:
        name, separator, folder = text.partition("=")
        if not (name and separator and folder):
            raise WfmError(f"--tasks {text!r}; expected NAME=RUN, such as interference=runs/a")
        if name in runs:
            raise WfmError(f"--tasks names {name!r} twice; give each task its own name")
        runs[name] = Path(folder)
    return runs


def _name(output: Path, runs: dict[str, Path]) -> str:
    """The bundle's name: the file's, or in a folder the tasks'."""
    return "-".join(runs) if output.is_dir() else output.name.removesuffix(SUFFIX)


def _wavesfm_options(options: argparse.Namespace) -> WavesFmOptions:
    same = ("modality", "task", "name", "window", "antennas", "heads", "pooling", "lora_alpha")
    given = {name: getattr(options, name) for name in same}
    if options.sample_rate:
        given["sample_rate"] = (min(options.sample_rate), max(options.sample_rate))
    if options.signal:
        given["signal"] = _signal(options.signal)
    labels = tuple(label.strip() for label in options.labels.split(","))
    return WavesFmOptions(labels=labels, image_size=tuple(options.image_size), **given)


def _signal(text: str) -> dict:
    try:
        signal = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WfmError(f"--signal {text!r} is not YAML ({' '.join(str(error).split())}); fix it") from error
    if not isinstance(signal, dict):
        raise WfmError(f"--signal {text!r} is no mapping; expected such as '{{kind: iq_rms}}'")
    return signal


if __name__ == "__main__":
    raise SystemExit(main())
