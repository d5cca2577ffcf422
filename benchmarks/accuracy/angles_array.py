# SPDX-License-Identifier: GPL-3.0-or-later
"""Directions by one array with errors of its own: networks that learnt from labelled windows of it, beside MUSIC.

    .venv/bin/python benchmarks/accuracy/angles_array.py --init runs/wfm-angle/foundation --out runs/arrays

The case that is met in practice: gains, phases and coupling of the array are what they are, and a walk around it with a
known transmitter gives labelled windows. Other arrays are drawn each time (`wfm_core.synth.arrays.draw_array`); windows
of the walk and of the test are other signals, directions (within 60 degrees), SNR (-10 to 30 dB in the walk) and up to
3 reflections. Mean absolute errors in degrees over all test windows, and the spread over arrays.

MUSIC: as it is; with gains and phases by one source at 0 degrees, 20 dB and no reflections, as WFM Direction Finder
calibrates; with the array's whole matrix fitted to the labelled windows (`fitted_array`), and with the true matrix.

fitted: `wfm-finetune --config angle.yaml array=...`, a network from scratch on generated windows of the array that was
fitted to the labels. tuned: the network of --init, of any array, fine-tuned on the labels; base: wfm-base, lora;
scratch: the sizes of --init. Windows are --seed's; arrays 90 and 91 are those that recipes were chosen by.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from wfm_core.bundle import load_bundle
from wfm_core.cli.finetune import main as finetune
from wfm_core.data.generated_angles import WIDEST, write_angles
from wfm_core.evaluate.classical.music import music
from wfm_core.evaluate.table import FIGURES
from wfm_core.synth.arrays import COUPLING, GAIN_ERROR, PHASE_ERROR, Arrivals, draw_array, draw_bearings, draw_signals
from wfm_core.train.bearings import read_array

SIZES = {
    "small": (GAIN_ERROR / 3, PHASE_ERROR / 3, COUPLING / 3),
    "large": (GAIN_ERROR, PHASE_ERROR, COUPLING),
    "any phases": (GAIN_ERROR, 180.0, COUPLING),
}
"""Gain and phase errors (degrees) and coupling of arrays."""
NETWORKS = ("fitted", "tuned", "base", "scratch")
ANTENNAS, SAMPLES = 4, 1024
_SIGNALS = 512
_AT_ONCE = 250
_CALIBRATION = 64  # windows, as of the block
_UPDATES = 600  # of a fine-tuning, about; of a fitted array _EPOCHS of the recipe's windows
_BATCH, _EPOCHS = 64, 5
_COMMON = ("test_share=0.02", "validation_share=0.02", f"batch={_BATCH}", "warmup_epochs=1", "threads=1")
_TUNED = {
    "tuned": ("full", "base_learning_rate=4e-3", ()),
    "scratch": ("scratch", "base_learning_rate=8e-3", ()),
    "base": ("lora", "base_learning_rate=4e-3", ("pooling=mean", "image_size=[32,16]")),
}
"""Regime, rate and what else is set."""


def principal(iq: torch.Tensor) -> torch.Tensor:
    """complex [A]: the strongest eigenvector of the covariance of all windows [B, A, T], 1 at the first antenna."""
    strongest = torch.linalg.eigh((iq @ iq.mH).mean(0)).eigenvectors[:, -1]
    return strongest / strongest[0]


def train(network: str, walk: Path, count: int, folder: Path, options: argparse.Namespace) -> Path:
    """The run of a network on the `count` windows of a data set; one that is there already is taken as it is."""
    run = folder / network
    if (run / FIGURES).exists():
        return run
    given = ["--out", str(run), "--seed", "1"]
    if network == "fitted":
        recipe = (f"array={walk}", f"widest={WIDEST:g}", f"epochs={options.epochs}", *options.set)
        given = ["--config", "angle.yaml", *recipe, *given]
    else:
        regime, rate, others = _TUNED[network]
        init = "wfm-base" if network == "base" else options.init
        epochs = max(1, round(options.updates / max(1, count / _BATCH)))
        given += ["--data", str(walk), "--init", init, "--regime", regime, rate, f"epochs={epochs}", *_COMMON, *others]
    if finetune(given):
        sys.exit(1)
    return run


def measure(name: str, number: int, options: argparse.Namespace) -> list[dict]:
    """What all methods are off by with one array: a row each method, labels and SNR."""
    array = draw_array(ANTENNAS, *SIZES[name], torch.Generator().manual_seed(number))
    generator = torch.Generator().manual_seed(1_000 * number + options.seed)
    signals = draw_signals(_SIGNALS, SAMPLES, generator)
    tests = {}
    for snr_db in options.snr_db:
        how = Arrivals(ANTENNAS, widest=WIDEST, snr_db=(snr_db, snr_db), reflections=options.reflections)
        tests[snr_db] = draw_bearings(signals, options.windows, how, generator, array)
    how = Arrivals(ANTENNAS, widest=1e-6, snr_db=(20.0, 20.0), reflections=0)
    known = draw_bearings(signals, _CALIBRATION, how, generator, array)
    rows = []

    def told(method: str, count: int, answer) -> None:
        for snr_db, test in tests.items():
            parts = [answer(part) for part in test.iq.split(_AT_ONCE)]
            error = float((torch.cat(parts) - test.angle).abs().mean())
            rows.append(
                {"size": name, "array": number, "method": method, "labels": count, "snr_db": snr_db, "error": error}
            )
        shown = " ".join(f"{row['error']:.2f}" for row in rows[-len(tests) :])
        print(f"{name}, array {number}, {count} labels, {method}: {shown}", file=sys.stderr, flush=True)

    def by_music(method: str, count: int, matrix: torch.Tensor | None) -> None:
        told(method, count, lambda iq: music(iq, widest=WIDEST, array=matrix))

    by_music("MUSIC", 0, None)
    by_music("MUSIC, one known source", 0, torch.diag(principal(known.iq)))
    by_music("MUSIC, true array", 0, array)
    for count in options.labels:
        folder = options.out / name.replace(" ", "-") / str(number) / str(count)
        folder.mkdir(parents=True, exist_ok=True)
        walk = write_angles(folder / "walk.h5", count, 1_000 * number + options.seed + 1, SAMPLES, array)
        bundles = {}
        for network in options.networks:
            run = train(network, walk, count, folder, options)
            bundles[network] = load_bundle(run, device="cpu", dtype="fp32", engine="torchscript")
        by_music("MUSIC, fitted to the labels", count, read_array(str(walk), ANTENNAS))
        for network, bundle in bundles.items():
            told(network, count, lambda iq, own=bundle: torch.from_numpy(own.infer(iq)["angle"][:, 0]))
        walk.unlink()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--init", default="runs/wfm-angle/foundation", help="that tuned starts from")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["small", "large"], help="of the errors")
    parser.add_argument("--arrays", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="seeds of arrays (1 to 5)")
    parser.add_argument("--labels", type=int, nargs="+", default=[50, 500, 5000])
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=["fitted", "tuned"])
    parser.add_argument("--snr-db", type=float, nargs="+", default=[0.0, 10.0, 20.0])
    parser.add_argument("--reflections", type=int, default=3, help="of the test at most; the walk has up to 3")
    parser.add_argument("--windows", type=int, default=1000, help="of the test, for each array and SNR (1000)")
    parser.add_argument("--updates", type=int, default=_UPDATES, help=f"of a fine-tuning, about ({_UPDATES})")
    parser.add_argument("--epochs", type=int, default=_EPOCHS, help=f"of fitted ({_EPOCHS})")
    parser.add_argument("--set", nargs="*", default=[], metavar="key=value", help="of angle.yaml, for fitted")
    parser.add_argument("--seed", type=int, default=700)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row for name in options.sizes for number in options.arrays for row in measure(name, number, options)]
    print(f"\nsynthetic, mean error in degrees on {options.windows} windows of each of {len(options.arrays)} arrays\n")
    print(f"| errors | labels | | {' | '.join(f'{snr_db:g} dB' for snr_db in options.snr_db)} |")
    print("|---" * (3 + len(options.snr_db)) + "|")
    for key in dict.fromkeys((row["size"], row["labels"], row["method"]) for row in rows):
        cells = []
        for snr_db in options.snr_db:
            errors = [
                row["error"]
                for row in rows
                if (row["size"], row["labels"], row["method"], row["snr_db"]) == (*key, snr_db)
            ]
            cells.append(f"{np.mean(errors):.2f} ± {np.std(errors):.2f}")
        print(f"| {key[0]} | {key[1] or 'none'} | {key[2]} | {' | '.join(cells)} |")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
