# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-finetune: train a task. So far: interference, from scratch, on endless synthetic scenes."""

import argparse
import sys
import time
from pathlib import Path

import yaml

from wfm_core.cli import run
from wfm_core.configs import load_config
from wfm_core.errors import WfmError


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="wfm-finetune", description=__doc__)
    parser.add_argument("--task", choices=["interference"], default="interference")
    parser.add_argument("--regime", choices=["scratch"], default="scratch")
    parser.add_argument("--config", default="interference.yaml", help="a file, or a name in wfm_core/configs")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument("--seed", type=int, help="overrides the configuration's seed")
    parser.add_argument("--resume", action="store_true", help="go on from the run folder's last checkpoint")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="for example steps=1000")
    return parser.parse_args()


def finetune() -> None:
    arguments = _arguments()
    config = load_config(arguments.config, arguments.overrides)
    if arguments.seed is not None:
        config["seed"] = arguments.seed
    checkpoint = arguments.out / "checkpoints" / "last.ckpt"
    if arguments.resume and not checkpoint.exists():
        raise WfmError(f"nothing to resume: {checkpoint} does not exist; leave out --resume to start a run there")
    if checkpoint.exists() and not arguments.resume:
        raise WfmError(f"{arguments.out} already holds a run; add --resume to go on with it or name another --out")
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    from wfm_core.train.loop import train  # slow to import: torch and Lightning

    started = time.monotonic()
    figures = train(config, arguments.out, checkpoint if arguments.resume else None, command=" ".join(sys.argv[1:]))
    print(f"{arguments.out}: {(time.monotonic() - started) / 60:.1f} min", figures)


def main() -> int:
    return run(finetune)


if __name__ == "__main__":
    sys.exit(main())
