# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-finetune: train a task, on a labelled data set (--data) or, without one, on endless synthetic interference."""

import argparse
import sys
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import QUANTITIES
from wfm_core.cli import command
from wfm_core.cli.run_folder import LAST, check_unused, keep, kept_config
from wfm_core.configs.finetuning import (
    Activities,
    Bearings,
    Finetuning,
    Recipe,
    Signals,
    Transmitters,
    Turns,
    load_finetuning,
)
from wfm_core.data.splits import METHODS


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="wfm-finetune", description=__doc__)
    parser.add_argument("--task", help="name of the output, such as activity (a data set's own task is the default)")
    parser.add_argument("--data", help="labelled data set (wfm-dataset build makes one)")
    parser.add_argument("--init", help="foundation to start from: a folder, or a name in models/")
    parser.add_argument("--regime", choices=["lp", "ft2", "lora", "full", "scratch"], help="what trains")
    parser.add_argument(
        "--freeze-inputs", action="store_true", default=None, help="freeze what is before the blocks too"
    )
    parser.add_argument("--modality", choices=["iq", "image"], help="of IQ windows: their samples, or a spectrogram")
    parser.add_argument("--split", help=f"the test set: {', '.join(METHODS)}")
    parser.add_argument("--config", help="a file, or a name in wfm_core/configs such as finetune.yaml")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument("--seed", type=int, help="overrides the configuration's seed")
    parser.add_argument("--resume", action="store_true", help="go on from the run folder's last checkpoint")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="for example epochs=20")
    return parser.parse_intermixed_args(argv)  # key=value anywhere


@command
def main(argv: list[str] | None) -> None:
    """The command `wfm-finetune`."""
    arguments = _arguments(argv)
    out = arguments.out
    check_unused(out, arguments.resume)
    config = _configuration(arguments)
    typed = " ".join(sys.argv[1:] if argv is None else argv)
    if isinstance(config, Transmitters | Turns | Bearings):
        from wfm_core.train.bearings import train_bearings
        from wfm_core.train.transmitters.run import train_transmitters
        from wfm_core.train.turns import train_turns

        run = {Transmitters: train_transmitters, Turns: train_turns, Bearings: train_bearings}[type(config)]
        keep(out, config=config.model_dump(mode="json"))
        _report(out, run(config, out, typed))
        return
    from wfm_core.train.checkpoints import read_checkpoint  # slow to import: torch and Lightning
    from wfm_core.train.runner import settled

    config = settled(config)

    if isinstance(config, Signals):
        from wfm_core.train.signals.run import train_signals as run
    elif isinstance(config, Activities):
        from wfm_core.train.activities.run import train_activities as run
    else:
        from wfm_core.train.finetune.run import finetune as run

    # before anything is written: a configuration that does not fit must not replace the run's own
    checkpoint = read_checkpoint(out / LAST, config) if arguments.resume else None
    keep(out, config=config.model_dump(mode="json"))
    _report(out, run(config, out, checkpoint, typed))


def _configuration(arguments: argparse.Namespace) -> Recipe:
    """The configuration asked for; a run that resumes has one already, which only scenes may leave for another."""
    keys = ("task", "data", "init", "regime", "freeze_inputs", "modality", "split", "seed")
    given = {key: getattr(arguments, key) for key in keys if getattr(arguments, key) is not None}
    name = arguments.config
    if arguments.resume:
        name = kept_config(arguments.out)
    elif "data" in given and "task" not in given:
        from wfm_core.data.dataset import open_dataset

        given["task"] = open_dataset(given["data"]).task
    config = load_finetuning(name, given, arguments.overrides)
    if arguments.resume and arguments.config is not None:
        if isinstance(config, Finetuning):
            raise WfmError("--config with --resume; a run goes on with its own config.yaml: leave out --config")
        return load_finetuning(arguments.config, given, arguments.overrides)
    return config


def _report(out: Path, figures: dict) -> None:
    measured = [f"{of}_{quantity.unit}" for quantity in QUANTITIES.values() for of in ("mean", "median", "p90")]
    charted = ("trustworthiness", "continuity", "stress")
    of_classes = ("mean_class_accuracy", "top3_accuracy", "rate_lost", "intd", "intc")
    dense = ("nmse_db", "mean_iou", "pixel_accuracy")
    shown = (*of_classes, *dense, *measured, *charted, "ece_before", "ece_after")
    for name in (name for name in shown if name in figures):
        low, high = figures.get(f"{name}_interval", (None, None))
        interval = "" if low is None else f" (95 %: {low:.4f} to {high:.4f})"
        print(f"{name} {figures[name]:.4f}{interval}")
    print(f"measured on {figures['windows']['test']} windows of {figures['data']['file']}, split {figures['split']}")
    print(f"{out}: {figures['minutes']:.1f} min; weights.safetensors, contract.yaml, figures.json, pictures")


if __name__ == "__main__":
    sys.exit(main())
