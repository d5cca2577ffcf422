# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded activities of five persons in one room (csi_har), each held out in turn: with 5 and 10 labels a class,
as `wfm-evaluate --probe --tasks csi_har --forest` has them for the foundation and a forest; and without a label, beside
both, which learn from generated windows then."""

import numpy as np
import torch
from torch import Tensor

from wfm_core.bundle import Bundle
from wfm_core.bundle.assemble import fitted
from wfm_core.bundle.export import read_model_folder
from wfm_core.bundle.foundation import Foundation, load_foundation
from wfm_core.data.readers.own.measure import csi_signal
from wfm_core.data.splits import Split
from wfm_core.model import WirelessModel
from wfm_core.signal import build_preprocessor
from wfm_core.signal.motion import CsiMotion
from wfm_core.synth.csi.activities import ACTIVITIES
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.images import csi_images
from wfm_core.synth.csi.sensing import NAMED
from wfm_core.synth.csi.windows import draw_windows
from wfm_core.train.probe.choice import CHOSEN_AT, choose
from wfm_core.train.probe.choice import judge as judge_fold
from wfm_core.train.probe.classifiers import forest, linear
from wfm_core.train.probe.features import features, standardised
from wfm_core.train.probe.hand import csi_features
from wfm_core.train.probe.learners import on_features
from wfm_core.train.probe.measures import per_class_accuracy
from wfm_core.train.probe.protocols import OTHER
from wfm_core.train.probe.real import csi_har, data_file
from wfm_core.train.probe.tasks import Exam, Task

BUDGETS = (5, 10)
FOUNDATION = "wfm-base"
SHARED = {"quiet": ("lying", "sitting"), "fall": ("fall",), "run": ("running",), "walk": ("walking",)}
"""Activities that generator and recordings have in common, by the names of the recordings."""
_GENERATED = {"quiet": ("still", "lie"), "fall": ("fall",), "run": ("run",), "walk": ("walk",)}
_OWN = {"quiet": ("empty", "still"), "fall": ("fall",), "run": ("run",), "walk": ("walk",)}
_RATES = (20.0, 20.0)
_BATCH, _AT_ONCE, _BATCHES, _SEED = 64, 40, 6, 4_000


def judge(bundle: Bundle, options) -> dict:
    """Print and return the figures."""
    amplitude, task = _amplitude(), csi_har(0)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    network, few = _network(bundle), {}
    values = _embedded(network, bundle.contract.tasks["activity"].pooling, amplitude)
    print(f"\n## csi_har, persons held out, {options.seeds} seeds\n\n| labels a class | wfm-activity |\n|---|---|")
    for budget in BUDGETS:
        folds = [_fold(task, fold, values, budget, seeds) for fold in task.protocols[OTHER["person"]]]
        means = 100 * np.mean(folds, axis=0)
        few[str(budget)] = [float(means.mean()), float(means.std())]
        print(f"| {budget} | {means.mean():.1f} +- {means.std():.1f} |", flush=True)
    return {"labels": few, "no label": _zero(bundle, network, task, amplitude, seeds)}


def _amplitude() -> Tensor:
    """float32 [N, antennas, subcarriers, packets]."""
    with np.load(data_file("csi_har/har11.npz")) as archive:
        parts = archive["csi"].astype(np.float32)
    return torch.from_numpy(np.hypot(parts[..., 0], parts[..., 1]).transpose(0, 3, 2, 1).copy())


def _network(bundle: Bundle) -> WirelessModel:
    if not bundle.path.is_dir():
        raise SystemExit(f"{bundle.path} is a bundle file; the folder of the model is expected")
    return fitted(*read_model_folder(bundle.path), str(bundle.path)).eval()


@torch.no_grad()
def _embedded(network: WirelessModel, pooling: str, amplitude: Tensor) -> np.ndarray:
    """float32 [N, D]: of each antenna the embedding and what was measured, side by side."""
    prepare, parts = CsiMotion(), []
    for antenna in range(amplitude.size(1)):
        for rows in amplitude[:, antenna : antenna + 1].split(_BATCH):
            image, numbers = prepare(rows)
            found = network.embed_image(image, pooling, numbers).float()
            parts.append(torch.cat([found, network.image.measures.scaled(numbers)], 1))
    return torch.cat(parts).unflatten(0, (amplitude.size(1), -1)).transpose(0, 1).flatten(1).numpy()


def _fold(task: Task, fold: Split, values: np.ndarray, budget: int, seeds: range) -> list[float]:
    """Mean per-class accuracy of one held-out person for each seed, as `wfm-evaluate --probe` has it."""
    exam = Exam(task, OTHER["person"], fold)
    learner = on_features("frozen", standardised(values, exam.side), len(task.classes))
    recipe = choose(learner, exam, CHOSEN_AT[budget], 0)["recipe"]
    return [judge_fold(learner, exam, budget, recipe, seed)["figure"] for seed in seeds]


def _zero(bundle: Bundle, network: WirelessModel, task: Task, amplitude: Tensor, seeds: range) -> dict:
    """Mean per-class accuracy on what both know, with not one label of a recording; others learn from generated
    windows of the recordings' shape and rate."""
    names, foundation = list(SHARED), load_foundation(FOUNDATION)
    asked = np.array([next((name for name in names if c in SHARED[name]), "") for c in task.classes])[task.labels]
    kept = np.flatnonzero(asked != "")
    label, recorded = np.array([names.index(name) for name in asked[kept]]), amplitude[kept]
    votes = _votes(bundle, network, recorded, names)
    found = {"wfm-activity": [per_class_accuracy(votes.argmax(1), label)], FOUNDATION: [], "forest": []}
    for seed in seeds:
        made, taught = _generated(names, seed)
        hand = forest(csi_features(made.numpy()), taught, csi_features(recorded.numpy()), {}, seed)
        found["forest"].append(per_class_accuracy(hand.argmax(1), label))
        values = _of_foundation(foundation, torch.cat([made, recorded]))
        values = standardised(values, np.arange(len(made)))
        said = linear(values[: len(made)], taught, values[len(made) :], {"alpha": 300.0}, seed)
        found[FOUNDATION].append(per_class_accuracy(said.argmax(1), label))
    print(f"\n| no label: {', '.join(names)} | mean of classes |\n|---|---|")
    for name, values in found.items():
        print(f"| {name} | {100 * np.mean(values):.1f} +- {100 * np.std(values):.1f} |")
    return {name: [100 * float(np.mean(values)), 100 * float(np.std(values))] for name, values in found.items()}


@torch.no_grad()
def _votes(bundle: Bundle, network: WirelessModel, amplitude: Tensor, names: list[str]) -> np.ndarray:
    """The model's probabilities of `names`, [n, K], means over the antennas."""
    prepare, task = CsiMotion(), bundle.contract.tasks["activity"]
    total = torch.zeros(len(amplitude), len(NAMED))
    for antenna in range(amplitude.size(1)):
        image, numbers = prepare(amplitude[:, antenna : antenna + 1])
        logits = network.heads["activity"](network.embed_image(image, task.pooling, numbers))
        total += (logits / task.temperature).softmax(1)
    return np.stack([total[:, [NAMED.index(one) for one in _OWN[name]]].sum(1).numpy() for name in names], 1)


def _generated(names: list[str], seed: int) -> tuple[Tensor, np.ndarray]:
    """Windows as the recordings are, and their classes."""
    wanted = [activity for name in names for activity in _GENERATED[name]]
    generator = torch.Generator().manual_seed(_SEED + seed)
    grid, parts = find_grid("intel5300-20"), []
    for _ in range(_BATCHES):
        parts.append(draw_windows(_AT_ONCE, grid, 256, (1, 3), generator, wanted, most_people=1, rates=_RATES))
    doing = [ACTIVITIES[label] for part in parts for label in part.causes["activity"].tolist()]
    label = [next(place for place, name in enumerate(names) if one in _GENERATED[name]) for one in doing]
    return torch.cat([csi_images(part.csi) for part in parts]), np.array(label)


def _of_foundation(foundation: Foundation, amplitude: Tensor) -> np.ndarray:
    signal = csi_signal(
        lambda rows: amplitude[rows].numpy(), len(amplitude), [32, 128], "linear", "window", motion=True
    )
    images = build_preprocessor(signal)(amplitude)
    return features(foundation, "image", images, "rows", torch.device("cpu"))
