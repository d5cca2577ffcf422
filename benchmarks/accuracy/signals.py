# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-signals on synthetic bands that training never saw, crops by the finder: Markdown tables and pictures.

    python benchmarks/accuracy/signals.py --bundle wfm-signals [--out FOLDER] [--crops N] [--seed S]

Named right, by class, at 10 dB and above: alone, with another signal in the crop (in the box or beside it), at about 0
dB; against SNR in the signal's own bandwidth; against observation time; boxes of noise that are given a signal's name;
calibration; IQ and images alone; technologies that are kept out of training (docs/signals.md) rejected; and the boosted
trees of the model, where it has them, by themselves: what hand-made features give without a network. Boxes without one
true name (parts, skirts, two signals as strong) are left out.
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from signal_parts import crops
from signal_parts.crops import SECONDS, STRONG_DB, HeldOut
from signal_parts.figures import Answers, figures_of, pictures
from signal_parts.tables import tables, trees_table

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.base.files import write_atomically
from wfm_core.bundle import Bundle, find_bundle, read_model_folder
from wfm_core.bundle.assemble import fitted
from wfm_core.model import pool
from wfm_core.model.found import VIEWS, FoundSignalModel, tree_features
from wfm_core.scan.signals import check_bundle
from wfm_core.signal.found import FoundSignal
from wfm_core.synth.scenes.air import MOST_SAMPLES
from wfm_core.synth.signals.catalogue import LABELS, SIGNALS

SEED = 20_260_816
_BATCH = 64
_PARTS = {
    "IQ alone": ("iq", "facts"),
    "images alone": ("image", "facts"),
    "both": ("iq", "image", "facts"),
    "everything": VIEWS,
}


class Parts:
    """Answers of a bundle's network from a part of its input; none of a bundle file, whose program has no switch for
    that."""

    def __init__(self, bundle: Bundle, task: str):
        self.task, self.contract, self.prepare = task, bundle.contract.tasks[task], FoundSignal()
        self.network: FoundSignalModel | None = None
        path = find_bundle(bundle.path)
        if path.is_dir():
            self.network = fitted(*read_model_folder(path), str(path)).eval()

    @torch.inference_mode()
    def answers(self, observed: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """For each part, answers int [B] on observations complex64 [B, 1, SAMPLES]; and the probabilities float32
        [B, K] that its trees give by themselves, None where it has none."""
        if self.network is None:
            return {}, None
        inputs, out, trees = self.prepare(torch.from_numpy(observed)), {}, None
        if self.network.opinion is not None:
            trees = self.network.opinion.trees(tree_features(*inputs[4:])).softmax(1).numpy()
        for name, views in _PARTS.items():
            self.network.set_views(views)
            logits = self.network.heads[self.task](pool(self.network.encode(*inputs), self.contract.pooling))
            logits = logits / self.contract.temperature + torch.tensor(self.contract.bias)
            out[name] = logits.argmax(1).numpy()
        return out, trees


def ask(bundle: Bundle, task: str, crops: Iterator[HeldOut]) -> tuple[Answers, Answers | None]:
    """The bundle's answers on all crops, and those of its trees, if it has any."""
    labels = list(bundle.contract.tasks[task].labels)
    numbers = [labels.index(name) if name in labels else -1 for name in LABELS]
    parts = Parts(bundle, task)
    facts, trees, probabilities, shorter, views = [], [], [], {most: [] for most in SECONDS}, {}
    while batch := list(itertools.islice(crops, _BATCH)):
        observed = np.stack([one.crop.observed for one in batch])[:, None]
        own = bundle.infer(observed)[task]
        probabilities.append(own)
        for most, said in shorter.items():
            said.append(_shorter(bundle, task, batch, most, own.argmax(1)))
        by_part, by_trees = parts.answers(observed)
        for name, said in by_part.items():
            views.setdefault(name, []).append(said)
        trees += [] if by_trees is None else [by_trees]
        for one in batch:
            crop = one.crop
            truth = numbers[crop.label] if crop.label >= 0 else -1
            facts.append((truth, crop.kind, crop.snr_db, one.seconds, crop.met, crop.beside, one.source))
    columns = [np.array(column) for column in zip(*facts, strict=True)]
    said = {most: np.concatenate(parts) for most, parts in shorter.items()}
    by_view = {name: np.concatenate(parts) for name, parts in views.items()}
    answers = Answers(labels, *columns, np.concatenate(probabilities), said, by_view)
    return answers, replace(answers, probabilities=np.concatenate(trees), shorter={}, views={}) if trees else None


def _shorter(bundle: Bundle, task: str, batch: list[HeldOut], most: float, whole: np.ndarray) -> np.ndarray:
    said = whole.copy()
    cut = [place for place, one in enumerate(batch) if most in one.shorter]
    if cut:
        said[cut] = bundle.infer(np.stack([batch[place].shorter[most] for place in cut])[:, None])[task].argmax(1)
    return said


def _without_nan(value):
    """What JSON has no number for becomes null."""
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="wfm-signals")
    parser.add_argument("--seed", type=int, default=SEED, help="of the bands; those of training are others")
    parser.add_argument("--crops", type=int, default=4000, help="of known signals; unknown ones and noise beside them")
    parser.add_argument("--out", type=Path, help="folder for figures.json, confusion.png and accuracy.png")
    parser.add_argument("--most-samples", type=int, default=MOST_SAMPLES, help="of a band")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    started = time.monotonic()
    try:
        bundle = wfm_core.load_bundle(arguments.bundle, device="cpu", dtype="fp32")
        task = check_bundle(bundle)
        contract = bundle.contract.tasks[task]
        known = tuple(label for label in contract.labels if label in SIGNALS)
        seed, most = arguments.seed, arguments.most_samples
        held_out = itertools.chain(
            crops.signals(seed, arguments.crops, known, most),
            crops.unheard(seed, max(arguments.crops // 16, 6), most),
            crops.noise(seed, max(arguments.crops // 5, 6), most),
        )
        answers, trees = ask(bundle, task, held_out)
        figures = figures_of(answers, contract.open_set_threshold, STRONG_DB)
        print(tables(figures))
        if trees is not None:
            figures["trees"] = figures_of(trees, 0.0, STRONG_DB)
            print(trees_table(figures, figures["trees"]))
        figures["dtype"] = bundle.dtype
        figures["seed"], figures["minutes"] = seed, round((time.monotonic() - started) / 60, 1)
        if arguments.out is not None:
            arguments.out.mkdir(parents=True, exist_ok=True)
            text = json.dumps(_without_nan(figures), indent=1, allow_nan=False)
            write_atomically(arguments.out / "figures.json", lambda path: path.write_text(text))
            pictures(arguments.out, f"{bundle.contract.name}: synthetic bands, crops by the finder", figures)
    except WfmError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
