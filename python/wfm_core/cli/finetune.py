# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-finetune: train a task, on a labelled data set (--data) or, without one, on endless synthetic interference."""

import argparse
import sys
import time
from pathlib import Path

import yaml

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file
from wfm_core.base.yaml_text import BYTES_LIMIT, read_yaml
from wfm_core.cli import run
from wfm_core.configs import load_config
from wfm_core.configs.finetuning import Finetuning, load_finetuning
from wfm_core.data.splits import METHODS

_OF_DATA = ("init", "freeze_inputs", "modality", "split")
_CHECKPOINT = Path("checkpoints") / "last.ckpt"


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
    parser.add_argument("--split", help=f"who tests: {', '.join(METHODS)}")
    parser.add_argument("--config", help="a file, or a name in wfm_core/configs such as finetune.yaml")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument("--seed", type=int, help="overrides the configuration's seed")
    parser.add_argument("--resume", action="store_true", help="go on from the run folder's last checkpoint")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="for example epochs=20")
    return parser.parse_intermixed_args(argv)  # key=value anywhere


def finetune_command(argv: list[str] | None) -> None:
    arguments = _arguments(argv)
    out, checkpoint = arguments.out, arguments.out / _CHECKPOINT
    if arguments.resume and not checkpoint.exists():
        raise WfmError(f"nothing to resume: {checkpoint} does not exist; leave out --resume to start a run there")
    if checkpoint.exists() and not arguments.resume:
        raise WfmError(f"{out} already holds a run; add --resume to go on with it or name another --out")
    command = " ".join(sys.argv[1:] if argv is None else argv)
    if arguments.data is not None or _labelled(out, arguments.resume):
        _on_data(arguments, command)
    else:
        _on_scenes(arguments, command)


def _labelled(out: Path, resume: bool) -> bool:
    """Whether the run in `out` that is to be resumed is one on a data set."""
    kept = out / "config.yaml"
    if not resume or not kept.exists():
        return False
    config = read_yaml(read_file(kept, BYTES_LIMIT), str(kept))
    return isinstance(config, dict) and "data" in config


def _on_data(arguments: argparse.Namespace, command: str) -> None:
    config = _configuration(arguments)
    from wfm_core.train.checkpoints import read_checkpoint  # slow to import: torch and Lightning
    from wfm_core.train.finetune.run import finetune

    # before anything is written: a configuration that does not fit must not replace the run's own
    checkpoint = read_checkpoint(arguments.out / _CHECKPOINT, config) if arguments.resume else None
    _keep(arguments.out, config.model_dump(mode="json"))
    _report(arguments.out, finetune(config, arguments.out, checkpoint, command))


def _configuration(arguments: argparse.Namespace) -> Finetuning:
    """The configuration asked for; a run that resumes has one already."""
    keys = ("task", "data", "init", "regime", "freeze_inputs", "modality", "split", "seed")
    given = {key: getattr(arguments, key) for key in keys if getattr(arguments, key) is not None}
    if arguments.resume:
        if arguments.config is not None:
            raise WfmError("--config with --resume; a run goes on with its own config.yaml: leave out --config")
        return load_finetuning(str(arguments.out / "config.yaml"), given, arguments.overrides)
    if "task" not in given:
        from wfm_core.data.dataset import open_dataset

        given["task"] = open_dataset(given["data"]).task
    return load_finetuning(arguments.config, given, arguments.overrides)


def _report(out: Path, figures: dict) -> None:
    shown = ("mean_class_accuracy", "intd", "intc", "mean_m", "median_m", "p90_m", "ece_before", "ece_after")
    for name in (name for name in shown if name in figures):
        low, high = figures.get(f"{name}_interval", (None, None))
        interval = "" if low is None else f" (95 %: {low:.4f} to {high:.4f})"
        print(f"{name} {figures[name]:.4f}{interval}")
    print(f"measured on {figures['windows']['test']} windows of {figures['data']['file']}, split {figures['split']}")
    print(f"{out}: {figures['minutes']:.1f} min; weights.safetensors, contract.yaml, figures.json, pictures")


def _on_scenes(arguments: argparse.Namespace, command: str) -> None:
    for name, possible in {"task": "interference", "regime": "scratch"}.items() | dict.fromkeys(_OF_DATA).items():
        seen = getattr(arguments, name)
        if seen not in (None, possible):
            raise WfmError(
                f"--{name.replace('_', '-')} {seen} without a data set; endless synthetic scenes there are only of "
                "interference, from scratch: name a data set with --data"
            )
    config = load_config(arguments.config or "interference.yaml", arguments.overrides)
    if arguments.seed is not None:
        config["seed"] = arguments.seed
    _keep(arguments.out, config)

    from wfm_core.train.loop import train  # slow to import: torch and Lightning

    started = time.monotonic()
    checkpoint = arguments.out / _CHECKPOINT if arguments.resume else None
    figures = train(config, arguments.out, checkpoint, command=command)
    print(f"{arguments.out}: {(time.monotonic() - started) / 60:.1f} min", figures)


def _keep(out: Path, config: dict) -> None:
    """Write the configuration into the run folder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    except OSError as error:
        raise WfmError(f"cannot write into {out} ({error.strerror}); name another --out") from error


def main(argv: list[str] | None = None) -> int:
    return run(lambda: finetune_command(argv))


if __name__ == "__main__":
    sys.exit(main())
