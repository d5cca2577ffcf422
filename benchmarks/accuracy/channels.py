# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel tasks on synthetic CSI: a foundation fine-tuned by several regimes, and what is classical, on other channels.

    .venv/bin/python benchmarks/accuracy/channels.py line_of_sight --out runs/los

Windows are drawn from TR 38.901, 7.5 (`wfm_core.synth.csi.clusters`): each is a channel of its own, and those of the
test are other draws than those of the training, which both the fine-tuning and what is classical learn from. A data
set is written, `wfm-finetune` run once for each regime, and its bundle asked; runs that are in --out already are asked
again. Then a table is printed, in %.

line_of_sight: 4 antennas, 104 resource blocks of 37 MHz, 32 soundings, SNR -1 to 29 dB; half of the channels have it.
Beside the network boosted trees on nine numbers (`wfm_core.evaluate.classical.line_of_sight`), and a threshold on each
of two of them. The column CDL and TDL is of delay lines of 7.7 (`draw_cells`), of which nothing was learnt from.

beam: the best of 64 beams of a row of 16 antennas, of which 8 are heard, 4 soundings (`wfm_core.synth.csi.beams`).
Top-1, top-3, the share of the rate that is lost against the best beam, which has an SNR of 10 dB, and top-1 with line
of sight and without. Beside the network two ways to steer what the 8 antennas heard, by their waves and by the
covariance at each distance between them, and the strongest of 16 beams of the whole row, swept with the same noise.
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
from wfm_core.data.generated_csi import write_generated_csi
from wfm_core.evaluate.classical.line_of_sight import NAMES, channel_numbers
from wfm_core.evaluate.metrics import rate_lost, top_accuracy
from wfm_core.evaluate.table import FIGURES
from wfm_core.signal.channels.beam_image import BeamImage, codebook
from wfm_core.signal.channels.csi_profile import csi_parts
from wfm_core.synth.csi.beams import BEAMS, ELEMENTS, draw_beams
from wfm_core.synth.csi.cells import draw_cells
from wfm_core.synth.csi.clusters import draw_clusters
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.windows import CsiWindows

GRID = find_grid("srs-104")
REGIMES = ("lp", "ft2", "lora", "full", "scratch", "small")
"""Those of wfm-finetune, and a network of SMALL sizes from scratch, for which there is time for more epochs."""
SMALL = {"width": 96, "depth": 3, "heads": 4, "mlp_hidden": 384}
_COMMON = ("test_share=0.05", "validation_share=0.05", "batch=64", "warmup_epochs=0.5", "threads=1")
_BATCH = 250  # windows drawn at once
_ASKED = 50  # of these asked of a bundle at once
_TEST, _OTHER = 500_000, 700_000  # added to the numbers of batches
_SEEDS = 1_000_000  # batches of a seed
_LOW_DB = 10.0


class LineOfSight:
    """How the task is drawn, prepared and told without a network."""

    signal = {"kind": "csi_profile", "size": [16, 32], "taps": len(GRID)}
    recipe = ("image_size=[16,32]", "pooling=mean")
    batches, epochs, small_epochs = 40, 5, 12
    columns = ("all", f"below {_LOW_DB:g} dB", "CDL and TDL")
    _shape = (32, 4)

    def draw(self, generator: torch.Generator) -> CsiWindows:
        return draw_clusters(_BATCH, GRID, *self._shape, generator)

    def draw_others(self, generator: torch.Generator) -> CsiWindows:
        return draw_cells(_BATCH, GRID, *self._shape, generator)

    def figures(self, answers: list[np.ndarray], test: list[CsiWindows], others: list[CsiWindows]) -> list[float]:
        """In the order of `columns`; answers are probabilities [windows, 2] of both."""
        said = [answer.argmax(1) for answer in answers]
        truth = [_cause(windows, "line_of_sight") for windows in (test, others)]
        right = [one == two for one, two in zip(said, truth, strict=True)]
        quiet = _cause(test, "snr_db") < _LOW_DB
        return [float(100 * part.mean()) for part in (right[0], right[0][quiet], right[1])]

    def classical(self, train: list[CsiWindows], test: list[CsiWindows], others: list[CsiWindows]) -> dict:
        """Answers on both test sets by method."""
        known, asked, strange = (
            np.concatenate([channel_numbers(windows.csi).numpy() for windows in part]) for part in (train, test, others)
        )
        label = _cause(train, "line_of_sight")
        trees = HistGradientBoostingClassifier(random_state=1).fit(known, label)
        found = {"trees on nine numbers": [trees.predict_proba(part) for part in (asked, strange)]}
        for column in (0, 5):
            over = _threshold(known[:, column], label)
            name = f"{NAMES[column].removesuffix(', dB')}: threshold"
            found[name] = [np.eye(2)[(part[:, column] > over).astype(int)] for part in (asked, strange)]
        return found


class Beam:
    """As `LineOfSight`; there is no other test set."""

    signal = {"kind": "beam_image", "size": [16, 64], "taps": len(GRID), "elements": list(ELEMENTS), "beams": BEAMS}
    recipe = ("image_size=[16,64]", "pooling=columns")
    batches, epochs, small_epochs = 80, 2, 6
    columns = ("top-1", "top-3", "rate lost", "top-1, line of sight", "top-1, none")
    _soundings = 4

    def draw(self, generator: torch.Generator) -> CsiWindows:
        return draw_beams(_BATCH, GRID, self._soundings, generator)

    draw_others = None

    def figures(self, answers: list[np.ndarray], test: list[CsiWindows], _: list[CsiWindows]) -> list[float]:
        said, beam, gain_db = answers[0], _cause(test, "beam"), _cause(test, "gain_db")
        seen, right = _cause(test, "line_of_sight"), said.argmax(1) == beam
        shares = (right.mean(), top_accuracy(said, beam), rate_lost(gain_db, said.argmax(1)))
        return [float(100 * share) for share in (*shares, right[seen].mean(), right[~seen].mean())]

    def classical(self, _: list[CsiWindows], test: list[CsiWindows], __: list[CsiWindows]) -> dict:
        image = BeamImage(**{name: value for name, value in self.signal.items() if name != "kind"})
        distances, waves = [], []
        steered = codebook(ELEMENTS[-1] + 1, BEAMS)[list(ELEMENTS)].to(torch.complex64)
        for windows in test:
            csi = windows.csi.flatten(2)
            distances.append(image.along(csi.unsqueeze(1))[:, 0])
            waves.append((steered.mH @ csi).abs().square().mean(2))
        random = np.random.default_rng(1)
        noise = 10 ** (-_cause(test, "snr_db") / 10)[:, None]
        swept = 10 ** (_cause(test, "gain_db") / 10) + noise * random.gamma(
            len(GRID), 1 / len(GRID), (len(noise), BEAMS)
        )
        swept[:, np.arange(BEAMS) % 4 != 0] = 0
        return {
            "covariance by distances": [torch.cat(distances).numpy()],
            "steered": [torch.cat(waves).numpy()],
            "sweep of 16 beams": [swept],
        }


TASKS = {"line_of_sight": LineOfSight, "beam": Beam}


def _cause(windows: list[CsiWindows], name: str) -> np.ndarray:
    return np.concatenate([part.causes[name].numpy() for part in windows])


def _threshold(values: np.ndarray, label: np.ndarray) -> float:
    """Above which `values` say yes, so that most of these are right."""
    order = np.argsort(values)
    right = np.concatenate([[label.sum()], label.sum() + np.cumsum(np.where(label[order], -1, 1))])
    best = int(right.argmax())
    return float(values[order[best - 1]]) if best else -np.inf


def _answers(bundle: Bundle, task: str, windows: list[CsiWindows]) -> np.ndarray:
    parts = torch.cat([csi_parts(part.csi) for part in windows]).split(_ASKED)
    return np.concatenate([bundle.infer_image(part.numpy())[task] for part in parts])


def _small(init: str, folder: Path) -> Path:
    """A foundation of random weights with SMALL sizes that takes what `init` takes."""
    description = {**load_foundation(init).description, "name": "small", "encoder": SMALL}
    save_foundation(folder, description, build_model(description).state_dict())
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set and of the runs")
    parser.add_argument("--init", default="wfm-base", help="the foundation")
    parser.add_argument("--regimes", nargs="*", choices=REGIMES, default=["small", "lora", "ft2", "lp"])
    parser.add_argument("--train", type=int, help=f"batches of {_BATCH} windows (40, of beams 80)")
    parser.add_argument("--test", type=int, default=12, help=f"batches of {_BATCH} windows, of each test set (12)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--set", nargs="*", default=[], metavar="key=value", help="of wfm-finetune, besides its recipe")
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = TASKS[options.task]()

    def drawn(number: int, draw=task.draw) -> CsiWindows:
        return draw(torch.Generator().manual_seed(_SEEDS * options.seed + number))

    train = [drawn(number) for number in range(options.train or task.batches)]
    test = [drawn(_TEST + number) for number in range(options.test)]
    others = [drawn(_OTHER + number, task.draw_others) for number in range(options.test if task.draw_others else 0)]
    rows = {name: task.figures(answers, test, others) for name, answers in task.classical(train, test, others).items()}
    options.out.mkdir(parents=True, exist_ok=True)
    data = options.out / "train.h5"
    write_generated_csi(data, train.__getitem__, len(train), options.task, signal=task.signal)
    for regime in options.regimes:
        run = options.out / regime
        rate, epochs, init = "base_learning_rate=2e-3", task.epochs, options.init
        if regime == "small":
            rate, epochs = "base_learning_rate=4e-3", task.small_epochs
            init = _small(options.init, options.out / "sizes")
        recipe = (*_COMMON, rate, f"epochs={epochs}", *task.recipe, *options.set)
        chosen = ("--init", str(init), "--regime", "scratch" if regime == "small" else regime)
        chosen = (*chosen, "--seed", str(options.seed), "--out", str(run))
        if not (run / FIGURES).exists() and finetune(["--data", str(data), *chosen, *recipe]):
            sys.exit(1)
        bundle = load_bundle(run, device="cpu", dtype="fp32")
        answers = [_answers(bundle, options.task, windows) for windows in (test, others) if windows]
        names = {
            "scratch": "its sizes, from scratch",
            "small": f"{SMALL['depth']} blocks of {SMALL['width']}, from scratch",
        }
        name = names.get(regime, f"{options.init}, {regime}")
        rows[name] = task.figures(answers, test, others)
        print(name, *(f"{figure:.1f}" for figure in rows[name]), file=sys.stderr)
    learnt, asked = (len(windows) * _BATCH for windows in (train, test))
    print(f"\n{options.task}, synthetic: {learnt} windows to learn from, {asked} of each test\n")
    print(f"| | {' | '.join(task.columns)} |\n|{'---|' * (len(task.columns) + 1)}")
    for name, figures in rows.items():
        print(f"| {name} | {' | '.join(f'{figure:.1f}' for figure in figures)} |")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"columns": task.columns, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
