# SPDX-License-Identifier: GPL-3.0-or-later
"""Pretrain on both modalities, on each alone, and contrastively, at an equal budget; then probe them beside wfm-small.

Equal: each encoder is shown as many windows in all. The one of both modalities gets half of them from each; the single
ones and the contrastive one have twice as many epochs. Runs that are done are kept, one that was stopped goes on.
"""

import argparse
import subprocess
import sys
from pathlib import Path

RUNS = {
    "multimodal": ("pretrain_cpu.yaml", 1, []),
    "image alone": ("pretrain_cpu.yaml", 2, ["modalities=[image]"]),
    "IQ alone": ("pretrain_cpu.yaml", 2, ["modalities=[iq]"]),
    "contrastive": ("pretrain_contrastive.yaml", 2, []),
}
"""Recipe, epochs as a multiple of those of "multimodal", overrides."""


def pretrain(name: str, out: Path, epochs: int, more: list[str]) -> Path:
    """The run folder of `name`, whose run has ended."""
    recipe, factor, overrides = RUNS[name]
    folder = out / name.replace(" ", "-")
    if not (folder / "figures.json").exists():
        command = [sys.executable, "-m", "wfm_core.cli.pretrain", "--config", recipe, "--out", str(folder)]
        command += [f"name={folder.name}", f"epochs={factor * epochs}", f"warmup_epochs={factor * epochs // 10}"]
        command += [*overrides, *more]
        if (folder / "checkpoints" / "last.ckpt").exists():
            command.append("--resume")
        subprocess.run(command, check=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/compare"))
    parser.add_argument("--run", default="wfm-small", help="the foundation in whose table they stand")
    parser.add_argument("--epochs", type=int, default=20, help="of the run on both modalities, 48 steps each")
    parser.add_argument("--set", nargs="+", default=[], metavar="key=value", help="for every pretraining run")
    options, rest = parser.parse_known_args()
    folders = {name: pretrain(name, options.out, options.epochs, options.set) for name in RUNS}
    compared = [f"--compare={name}={folder}" for name, folder in folders.items()]
    probe = [sys.executable, "-m", "wfm_core.cli.evaluate", "--probe", "--run", options.run, *compared]
    sys.exit(subprocess.run([*probe, "--out", str(options.out / "probe"), *rest]).returncode)


if __name__ == "__main__":
    main()
