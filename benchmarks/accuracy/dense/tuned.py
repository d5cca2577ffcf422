# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs about dense tasks share: options, one fine-tuning a regime, a table."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from wfm_core.bundle import Bundle, load_bundle
from wfm_core.bundle.foundation import build_model, load_foundation, save_foundation
from wfm_core.cli.finetune import main as finetune
from wfm_core.evaluate.table import FIGURES

REGIMES = ("lp", "ft2", "lora", "full", "scratch", "small")
"""Those of wfm-finetune, and a small network from scratch, for which there is time for more epochs."""


def add_options(parser: argparse.ArgumentParser, regimes: Sequence[str]) -> None:
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set and of the runs")
    parser.add_argument("--init", default="wfm-base", help="the foundation")
    parser.add_argument("--regimes", nargs="*", choices=REGIMES, default=list(regimes))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--set", nargs="*", default=[], metavar="key=value", help="of wfm-finetune, besides its recipe")


def tuned(
    options: argparse.Namespace,
    regime: str,
    data: Path,
    recipes: Mapping[str, Sequence[str]],
    sizes: Mapping[str, int],
    image: Mapping,
) -> tuple[str, Bundle]:
    """The name of a row, and the bundle that `regime` makes of `data`; a run that is there already is asked again.

    recipes: options of wfm-finetune, for the "foundation" and for "small". sizes, image: of the small network.
    """
    run, small = options.out / regime, regime == "small"
    init = _small(options.init, options.out / "sizes", sizes, image) if small else options.init
    chosen = ["--init", str(init), "--regime", "scratch" if small else regime]
    chosen += ["--seed", str(options.seed), "--out", str(run)]
    recipe = [*recipes["small" if small else "foundation"], *options.set]
    if not (run / FIGURES).exists() and finetune(["--data", str(data), *chosen, *recipe]):
        sys.exit(1)
    names = {
        "scratch": "its sizes, from scratch",
        "small": f"{sizes['depth']} blocks of {sizes['width']}, from scratch",
    }
    return names.get(regime, f"{options.init}, {regime}"), load_bundle(run, device="cpu", dtype="fp32")


def _small(init: str, folder: Path, sizes: Mapping[str, int], image: Mapping) -> Path:
    """A foundation of random weights with these sizes and this image side."""
    description = {**load_foundation(init).description, "name": "small", "encoder": dict(sizes)}
    description["modalities"] = {"image": {**description["modalities"]["image"], **image}}
    save_foundation(folder, description, build_model(description).state_dict())
    return folder


def show(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[float]], digits: int, path: Path | None):
    """Print a table, and write it as JSON to `path`, if there is one."""
    print(f"\n{title}\n")
    print(f"| | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name, figures in rows.items():
        print(f"| {name} | {' | '.join(f'{figure:.{digits}f}' for figure in figures)} |")
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"columns": columns, "rows": rows}, indent=1))
