# SPDX-License-Identifier: GPL-3.0-or-later
"""Pretrain several ways under equal conditions, then probe all of them side by side.

    python benchmarks/foundation/compare.py objectives --tflop 150
    python benchmarks/foundation/compare.py modalities --epochs 40 --seeds 3

objectives: masked, contrastive, predictive, causes and mixtures of them. Equal is the compute: the operations of a
step's matrix products are counted, and each run has as many steps as come to --tflop.
modalities: one encoder for both, with and without PCGrad, against an encoder for each; masked, as in the paper. Equal
is what an encoder sees of a modality: those of one modality see as many windows of it as those of both.

Options that are not named here go to wfm-evaluate --probe. Runs that are done are kept, one that was stopped goes on.
The table is the mean and spread over the --seeds of the pretraining; compare.txt and compare.json have it, too.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from wfm_core.configs.pretraining import load_pretraining
from wfm_core.train.pretrain.compute import step_flops

RECIPE = "pretrain_base.yaml"
COMMON = ["init=null"]
WAYS = {
    "objectives": {
        "masked": ["objective=masked"],
        "contrastive": ["objective=contrastive", "modalities=[iq]"],
        "predictive": ["objective=predictive", "predictive.keep=student"],
        "causes": ["objective=causes"],
        "masked+causes": ["objective={masked: 0.5, causes: 1.0}"],
        "predictive+causes": ["objective={predictive: 0.5, causes: 1.0}", "predictive.keep=student"],
        "masked+predictive+causes": [
            "objective={masked: 0.5, predictive: 0.5, causes: 1.0}",
            "predictive.keep=student",
        ],
    },
    "modalities": {
        "both": ["objective=masked"],
        "both, PCGrad": ["objective=masked", "pcgrad=true"],
        "image alone": ["objective=masked", "modalities=[image]"],
        "IQ alone": ["objective=masked", "modalities=[iq]"],
    },
}
"""Overrides of the recipe."""


def pretrain(folder: Path, settings: list[str], options: argparse.Namespace) -> Path:
    """The folder of a run that has ended."""
    if not (folder / "figures.json").exists():
        config = load_pretraining(RECIPE, settings)
        epochs = options.epochs
        if options.question == "objectives":
            epochs = max(1, round(options.tflop * 1e12 / step_flops(config) / config.steps_per_epoch))
        command = [sys.executable, "-m", "wfm_core.cli.pretrain", "--config", RECIPE, "--out", str(folder)]
        if (folder / "checkpoints" / "last.ckpt").exists():
            command.append("--resume")
        command += [*settings, f"name={folder.name}", f"epochs={epochs}", f"warmup_epochs={epochs // 20}"]
        subprocess.run(command, check=True)
    return folder


def table(probe: dict, names: list[str], seeds: int) -> list[dict]:
    """Of each row of the probe and each way: the mean of the seeds' figures and their spread, in %."""
    figures: dict[tuple, dict[str, list[float]]] = {}
    for line in probe["summary"]:
        row = line["task"], line["protocol"], line["budget"], line["regime"]
        figures.setdefault(row, {})[line["contender"]] = line["mean"]
    lines = []
    for row, of in figures.items():
        for name in names:
            found = [of[one] for one in _seeds(name, seeds) if one in of]
            if len(found) == seeds:
                given = dict(zip(("task", "protocol", "budget", "regime"), row, strict=True))
                lines.append({**given, "way": name, "mean": 100 * np.mean(found), "spread": 100 * np.std(found)})
    return lines


def written(lines: list[dict]) -> str:
    """A line for each row and way."""
    return "\n".join(
        f"{line['task']:20}{line['protocol']:16}{line['regime']:8}{line['budget']!s:>5}  {line['way']:26}"
        f"{line['mean']:6.1f} +- {line['spread']:.1f}"
        for line in lines
    )


def _seeds(name: str, seeds: int) -> list[str]:
    return [f"{name} {seed}" for seed in range(1, seeds + 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=WAYS)
    parser.add_argument("--out", type=Path, help="folder for runs and tables (default out/compare-QUESTION)")
    parser.add_argument("--run", default="wfm-base", help="the foundation in whose table they stand")
    parser.add_argument("--only", nargs="+", metavar="WAY", help="some of the ways (default: all)")
    parser.add_argument("--tflop", type=float, default=150.0, help="10^12 operations of each of the objectives' runs")
    parser.add_argument("--epochs", type=int, default=40, help="of each of the modalities' runs, 30 steps each")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each way")
    parser.add_argument("--set", nargs="+", default=[], metavar="key=value", help="for every pretraining run")
    options, rest = parser.parse_known_args()
    out = options.out or Path(f"out/compare-{options.question}")
    ways = {name: more for name, more in WAYS[options.question].items() if name in (options.only or [name])}
    compared = []
    for seed in range(1, options.seeds + 1):
        for name, more in ways.items():
            folder = out / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
            pretrain(folder, [*COMMON, *more, f"seed={seed}", *options.set], options)
            compared.append(f"--compare={name} {seed}={folder}")
    probe = [sys.executable, "-m", "wfm_core.cli.evaluate", "--probe", "--run", options.run, *compared]
    subprocess.run([*probe, "--out", str(out / "probe"), *rest], check=True)
    lines = table(json.loads((out / "probe" / "probe.json").read_text()), list(ways), options.seeds)
    (out / "compare.json").write_text(json.dumps(lines, indent=1))
    (out / "compare.txt").write_text(f"{written(lines)}\n")
    print(written(lines))


if __name__ == "__main__":
    main()
