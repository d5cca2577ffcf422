# SPDX-License-Identifier: GPL-3.0-or-later
"""Eleven modulations at SNRs of -20 to 18 dB, synthetic: a foundation fine-tuned by several regimes and with few
labels, a small network, and boosted trees on what is measured.

    .venv/bin/python benchmarks/accuracy/modulation.py --out runs/modulation
    .venv/bin/python benchmarks/accuracy/modulation.py --out runs/labels --shares 1 10 100 --regimes trees small lora

Windows are those of `wfm_core.synth.radioml`, as many of every class at every SNR; those of the test are of another
seed, with other symbols, speakers and channels. A data set is written for each of the shares of labels, the first
windows of the whole one, `wfm-finetune` run once for each regime, with more epochs where there are fewer windows (by
the root of the share), and its bundle asked; runs that are in --out already are asked again. Printed is accuracy in %:
over all SNRs, above 6 dB, and at each; --picture draws the last. --published has x dB of 2x dB and noise for AM-SSB, as
RadioML 2016.10a has. The trees learn from moments, lags and spectra
(`wfm_core.train.probe.hand`).
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from wfm_core.bundle import Bundle, load_bundle
from wfm_core.bundle.foundation import build_model, load_foundation, save_foundation
from wfm_core.cli.finetune import main as finetune
from wfm_core.data.dataset import Dataset, open_dataset
from wfm_core.data.generated_modulation import write_modulations
from wfm_core.evaluate.figures.canvas import save
from wfm_core.evaluate.figures.snr import snr_figure
from wfm_core.evaluate.metrics import accuracy_by
from wfm_core.evaluate.table import FIGURES
from wfm_core.synth.radioml import LABELS
from wfm_core.train.probe.hand import iq_features

REGIMES = ("trees", "lp", "ft2", "lora", "full", "scratch", "small")
"""Boosted trees, those of wfm-finetune, and a network of SMALL sizes from scratch, for which there is time for more
epochs."""
SMALL = {"width": 96, "depth": 3, "heads": 4, "mlp_hidden": 384}
RECIPE = (
    "pooling=mean", "test_share=0.05", "validation_share=0.05", "batch=256", "warmup_epochs=0.5", "threads=1",
    "precision=32-true",
)  # fmt: skip
_EPOCHS, _SMALL_EPOCHS, _RATE, _SMALL_RATE = 2, 6, 2e-3, 4e-3
_ASKED = 256
_IMAGE = (16, 128)
_ABOVE_DB = 6.0
_TEST_SEED = 1_000_000  # added


def _answers(bundle: Bundle, data: Dataset) -> np.ndarray:
    parts = np.array_split(np.arange(data.count), -(-data.count // _ASKED))
    return np.concatenate([bundle.infer(data.read_iq(rows))["modulation"].argmax(1) for rows in parts])


def _trees(train: Dataset, test: Dataset) -> np.ndarray:
    known, asked = (iq_features(data.read_iq(np.arange(data.count))) for data in (train, test))
    return HistGradientBoostingClassifier(random_state=1, early_stopping=False).fit(known, train.label).predict(asked)


def _small(init: str, folder: Path) -> Path:
    """A foundation of random weights with SMALL sizes that takes the images of `wfm_core.signal.modulation_image`."""
    sides = {"image": {"channels": 3, "size": list(_IMAGE)}}
    description = {**load_foundation(init).description, "name": "small", "encoder": SMALL, "modalities": sides}
    save_foundation(folder, description, build_model(description).state_dict())
    return folder


def _tuned(options: argparse.Namespace, regime: str, share: int, train: Dataset) -> Bundle:
    run = options.out / f"{regime}-{share}"
    small = regime == "small"
    more = (100 / share) ** 0.5
    epochs = max(1, round((options.small_epochs if small else options.epochs) * more))
    init = _small(options.init, options.out / "sizes") if small else options.init
    chosen = ("--data", str(train.path), "--init", str(init), "--regime", "scratch" if small else regime)
    chosen = (*chosen, "--seed", str(options.seed), "--out", str(run))
    recipe = (*RECIPE, f"epochs={epochs}", f"base_learning_rate={_SMALL_RATE if small else _RATE}", *options.set)
    if small:
        recipe = (*recipe, "signal=modulation_image", f"image_size=[{_IMAGE[0]},{_IMAGE[1]}]")
    if not (run / FIGURES).exists() and finetune([*chosen, *recipe]):
        sys.exit(1)
    return load_bundle(run, device="cpu", dtype="fp32")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the data sets and of the runs")
    parser.add_argument("--init", default="wfm-base", help="the foundation")
    parser.add_argument("--regimes", nargs="*", choices=REGIMES, default=["trees", "small", "lora", "ft2", "lp"])
    parser.add_argument("--shares", nargs="*", type=int, default=[100], metavar="PERCENT", help="of labels (100)")
    parser.add_argument("--train", type=int, default=22_000, help="windows to learn from at 100 %% (22000)")
    parser.add_argument("--test", type=int, default=11_000, help="windows of the test (11000)")
    parser.add_argument("--epochs", type=int, default=_EPOCHS, help=f"of the foundation at 100 %% ({_EPOCHS})")
    parser.add_argument("--small-epochs", type=int, default=_SMALL_EPOCHS, help=f"of small ({_SMALL_EPOCHS})")
    parser.add_argument("--published", action="store_true", help="SNRs and AM-SSB as in RadioML 2016.10a")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path, metavar="FILE.png", help="accuracy over SNR of all labels")
    parser.add_argument("--set", nargs="*", default=[], metavar="key=value", help="of wfm-finetune, besides its recipe")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)

    def generated(name: str, windows: int, seed: int) -> Dataset:
        return open_dataset(write_modulations(options.out / name, windows, seed, published=options.published))

    test = generated("test.h5", options.test, options.seed + _TEST_SEED)
    snr_db, high = test.groups["snr_db"], test.groups["snr_db"].astype(float) > _ABOVE_DB
    small = f"{SMALL['depth']} blocks of {SMALL['width']}, from scratch"
    names = {"trees": "trees", "scratch": "its sizes, from scratch", "small": small}
    rows, curves = [], {}
    for share in options.shares:
        train = generated(f"train-{share}.h5", max(2 * len(LABELS), options.train * share // 100), options.seed)
        for regime in options.regimes:
            said = _trees(train, test) if regime == "trees" else _answers(_tuned(options, regime, share, train), test)
            name = names.get(regime, f"{options.init}, {regime}")
            right = said == test.label
            curve = accuracy_by(right, snr_db)
            figures = [100 * float(part.mean()) for part in (right, right[high])]
            rows.append({"name": name, "share": share, "all": figures[0], "high": figures[1], "by_snr_db": curve})
            print(f"{name}, {share} %: {figures[0]:.1f}, above {_ABOVE_DB:g} dB {figures[1]:.1f}", file=sys.stderr)
            if share == max(options.shares):
                curves[name] = curve
    print(f"\nmodulation, synthetic: {options.train} windows to learn from at 100 %, {test.count} of the test\n")
    print(f"| | labels | all | above {_ABOVE_DB:g} dB |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row['name']} | {row['share']} % | {row['all']:.1f} | {row['high']:.1f} |")
    columns = list(next(iter(curves.values())))
    print(f"\n| SNR, dB | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    for name, curve in curves.items():
        print(f"| {name} | {' | '.join(f'{100 * share:.0f}' for share in curve.values())} |")
    if options.picture:
        save(options.picture, snr_figure(curves, f"modulation, synthetic, {options.train} windows to learn from"))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
