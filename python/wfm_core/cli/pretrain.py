# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-pretrain: pretrain a foundation on synthetic and recorded signals, with one objective or several."""

import argparse
import errno
import os
import sys
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.cli import command
from wfm_core.cli.run_folder import LAST, check_unused, keep, kept_config
from wfm_core.configs.pretraining import Pretraining, load_pretraining

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="wfm-pretrain", description=__doc__)
    parser.add_argument("--config", help="a file, or a name in wfm_core/configs such as pretrain_cpu.yaml")
    parser.add_argument("--out", type=Path, required=True, help="run folder")
    parser.add_argument("--resume", action="store_true", help="go on from the run folder's last checkpoint")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="for example mask_ratio.iq=0.5")
    arguments = parser.parse_args(argv)
    if arguments.config is None and not arguments.resume:
        parser.error("--config is required, except with --resume")
    return arguments


def _configuration(arguments: argparse.Namespace) -> Pretraining:
    """The configuration asked for; a run that resumes has one already."""
    return load_pretraining(arguments.config or kept_config(arguments.out), arguments.overrides)


@command
def main(argv: list[str] | None) -> None:
    """The command `wfm-pretrain`."""
    arguments = _arguments(argv)
    config = _configuration(arguments)
    from wfm_core.train.checkpoints import read_checkpoint  # slow to import: torch and Lightning
    from wfm_core.train.pretrain.results import versions
    from wfm_core.train.pretrain.run import pretrain
    from wfm_core.train.runner import settled

    out, config = arguments.out, settled(config)
    # With several processes the first writes the folder; the others come when it may already be there.
    is_first = os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0"
    # A run that was stopped before its first checkpoint has nothing to go on from: it may start again.
    check_unused(out, arguments.resume or not is_first)
    # before anything is written: a configuration that does not fit must not replace the run's own
    checkpoint = read_checkpoint(out / LAST, config) if arguments.resume else None
    if is_first:
        keep(out, config=config.model_dump(mode="json"), versions=versions())
    typed = " ".join(sys.argv[1:] if argv is None else argv)
    try:
        figures = pretrain(config, out, checkpoint, typed)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise WfmError(f"no room to write into {out} ({error.strerror}); make room and go on with --resume") from error
    if figures:
        _report(config, out, figures)


def _report(config: Pretraining, out: Path, figures: dict[str, float]) -> None:
    other = "guessing" if config.objective == "contrastive" else "predicting the mean"
    for name in (key.removeprefix("val_loss_") for key in figures if key.startswith("val_loss_")):
        print(f"{name}: held-out loss {figures[f'val_loss_{name}']:.4f}, {other} {figures[f'val_mean_{name}']:.4f}")
    print(f"{out}: {figures['minutes']:.1f} min; weights.safetensors, foundation.yaml, pictures/")


if __name__ == "__main__":
    sys.exit(main())
