# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts of generated halls: maps learnt from CSI without places, and what is classical, judged by the places.

    .venv/bin/python benchmarks/accuracy/charts.py --out runs/charts --seeds 1 2

A hall (`wfm-dataset generate position`) is another one for each seed. `wfm-finetune --task chart` learns from 80 % of
its windows, for each of --networks, and its bundle tells where the others are on the map; places are used by figures
alone. small: a network of SMALL sizes from scratch; others are a foundation and a regime, such as wfm-position:lp.

Classical, on the same windows of the test: the two principal components of the images' means over packets, which the
others gave; and Isomap, a chart of the distances that the networks learn, which knows windows of its own alone: it
saw those of the test. Printed are trustworthiness, continuity (1 at best, 0.5 by chance) and Kruskal stress (0 at
best).
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA

from wfm_core.bundle import load_bundle
from wfm_core.bundle.foundation import build_model, load_foundation, save_foundation
from wfm_core.cli.finetune import main as finetune
from wfm_core.data.dataset import open_dataset
from wfm_core.data.generated_places import SIZE, write_places
from wfm_core.evaluate.charting import chart_figures, dissimilarities, flat_chart, geodesics
from wfm_core.evaluate.evaluation import part_of_run
from wfm_core.evaluate.figures.canvas import save
from wfm_core.evaluate.figures.charts import chart_figure
from wfm_core.evaluate.table import FIGURES
from wfm_core.signal import build_preprocessor

SMALL = {"width": 96, "depth": 3, "heads": 4, "mlp_hidden": 384}
NEIGHBOURS = 10
NAMES = ("trustworthiness", "continuity", "stress")


def trained(network: str, data: Path, folder: Path, options: argparse.Namespace) -> Path:
    """The run of a network on a data set; one that is there already is taken as it is."""
    run = folder / network.replace(":", "-")
    if (run / FIGURES).exists():
        return run
    init, _, regime = network.partition(":")
    if network == "small":
        description = {**load_foundation(options.sizes).description, "name": "small", "encoder": SMALL}
        save_foundation(folder / "sizes", description, build_model(description).state_dict())
        init, regime = folder / "sizes", "scratch"
    given = ["--task", "chart", "--data", str(data), "--init", str(init), "--regime", regime, "--out", str(run)]
    size = "image_size=[{},{}]".format(*SIZE)
    if finetune([*given, size, f"neighbours={NEIGHBOURS}", "threads=1", *options.set]):
        sys.exit(1)
    return run


def charts_of(data: Path, folder: Path, options: argparse.Namespace) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Places [n, 3] of the test's windows, and the charts of all methods [n, 2]."""
    dataset, found = open_dataset(data), {}
    runs = {network: trained(network, data, folder, options) for network in options.networks}
    first = next(iter(runs.values()))
    test, train = (part_of_run(dataset, first, side).rows for side in ("test", "train"))
    prepare = build_preprocessor(dataset.signal)
    known, asked = (prepare(torch.from_numpy(dataset.read(rows))).numpy() for rows in (train, test))
    components = PCA(2).fit(known.mean(3).reshape(len(train), -1))
    found["two principal components"] = components.transform(asked.mean(3).reshape(len(test), -1))
    found["Isomap of the test itself"] = flat_chart(geodesics(dissimilarities(asked), NEIGHBOURS))
    for network, run in runs.items():
        bundle = load_bundle(run, device="cpu", dtype="fp32")
        parts = [bundle.infer_image(dataset.read(rows))["chart"] for rows in np.array_split(test, -(-len(test) // 64))]
        found[network] = np.concatenate(parts)
    return dataset.label[test], found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the data sets and of the runs")
    parser.add_argument("--networks", nargs="+", default=["small"], metavar="small|INIT:REGIME")
    parser.add_argument("--sizes", default="wfm-position", help="the foundation whose input small has")
    parser.add_argument("--windows", type=int, default=1500, help="of a hall (1500)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2], help="of halls")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path, help="of the first hall")
    parser.add_argument("--set", nargs="*", default=[], metavar="key=value", help="of wfm-finetune")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, list[dict]] = {}
    for seed in options.seeds:
        folder = options.out / str(seed)
        folder.mkdir(parents=True, exist_ok=True)
        data = folder / "hall.h5"
        if not data.exists():
            write_places(data, options.windows, seed)
        places, charts = charts_of(data, folder, options)
        for name, chart in charts.items():
            rows.setdefault(name, []).append(chart_figures(chart, places))
            print(seed, name, *(f"{rows[name][-1][figure]:.3f}" for figure in NAMES), file=sys.stderr, flush=True)
        if options.picture and seed == options.seeds[0]:
            save(options.picture, chart_figure(places, charts))
    print(f"\nsynthetic: {len(options.seeds)} halls of {options.windows} windows, 20 % of them are the test\n")
    print(f"| | {' | '.join(NAMES)} |\n{'|---' * 4}|")
    for name, found in rows.items():
        cells = (np.array([one[figure] for one in found]) for figure in NAMES)
        print(f"| {name} | {' | '.join(f'{cell.mean():.3f} ± {cell.std():.3f}' for cell in cells)} |")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
