# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that trains a model of activities: network, heads, and what it leaves.

The folder holds config.yaml, logs/, checkpoints/, and at the end the model (weights.safetensors and contract.yaml, see
wfm-export), figures.json and the confusion matrix.
"""

import json
import platform
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from wfm_core.base.files import write_atomically
from wfm_core.bundle.contracts.task import MEASURES
from wfm_core.bundle.export import save_model_folder
from wfm_core.bundle.foundation import Foundation, load_foundation
from wfm_core.configs.finetuning import Activities
from wfm_core.evaluate.calibration import Calibration, calibrate
from wfm_core.evaluate.figures.canvas import save
from wfm_core.evaluate.figures.confusion import confusion_figure
from wfm_core.evaluate.metrics import confusion_matrix, mean_class_accuracy
from wfm_core.model import WirelessModel
from wfm_core.model.measures import silent_measures
from wfm_core.signal.motion import MOTION_MEASURES, MOTION_SIZE
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.sensing import NAMED, UNKNOWN, named
from wfm_core.train.activities.batches import HEAD_SEED, VALIDATION_SEED, LinkBatches, fixed
from wfm_core.train.activities.heads import LABELS, MOTION, PRESENCE, SEEN, embeddings, fit_head, targets
from wfm_core.train.activities.training import ActivityTraining
from wfm_core.train.finetune.results import FIGURES
from wfm_core.train.finetune.starting import Feed, start_model
from wfm_core.train.runner import begin, make_trainer, steps_done, train

SUBCARRIERS = "legacy-20"
"""The grid that the model's window has: what an ESP32 reports, without what it never uses."""
_VALIDATION_BATCH = 128


def train_activities(config: Activities, out: Path, checkpoint: dict | None, command: str) -> dict:
    """Train in the existing folder `out`, or go on from its last `checkpoint`; returns the figures.

    Raises `WfmError`.
    """
    started = time.monotonic()
    begin(config, out)
    foundation = load_foundation(config.init)
    taught = fixed(config, config.head_windows, config.seed * 1_000_003 + HEAD_SEED, everything=True)
    asked = fixed(config, config.validation_windows, VALIDATION_SEED, everything=True)
    told = fixed(config, config.validation_windows, VALIDATION_SEED + 1, everything=False)
    model = starting_network(config, foundation, taught["numbers"])
    training = ActivityTraining(config, model)
    first = steps_done(checkpoint)
    trainer = make_trainer(config, out, config.steps, first, config.validate_every, log_every=50)
    batches = DataLoader(LinkBatches(config, first), None, num_workers=config.workers)
    train(trainer, training, batches, DataLoader(_batches(told), None), checkpoint is not None)
    kept, judged = training.kept.eval(), _Judged(config, training.kept, told, asked)
    kept.heads[PRESENCE] = fit_head(embeddings(kept, config.pooling, taught), targets(taught)[PRESENCE])
    kept.heads[MOTION] = fit_head(kept.image.measures.scaled(taught["numbers"]), targets(taught)[MOTION], SEEN)
    calibrations = judged.calibrations()
    figures = {
        "task": config.task,
        "kind": "classification",
        "regime": config.regime,
        "modality": "image",
        "init": config.init,
        "seed": config.seed,
        "data": {"file": "generated CSI of rooms", "real": False},
        "split": "rooms and people of other seeds, which also chose temperatures and biases",
        "windows": {"train": config.steps * config.batch, "test": config.validation_windows},
        "labels": list(NAMED),
        **judged.figures(calibrations, out),
    }
    figures["minutes"] = round((time.monotonic() - started) / 60, 2)
    contract = _contract(config, foundation, calibrations, command)
    save_model_folder(out, contract, {name: tensor.half() for name, tensor in kept.state_dict().items()})
    text = json.dumps(figures, indent=1)
    write_atomically(out / FIGURES, lambda path: path.write_text(text))
    return figures


def starting_network(config: Activities, foundation: Foundation, numbers: Tensor) -> WirelessModel:
    """The foundation's image side with measures, scaled by `numbers` [n, MOTION_MEASURES], and a head."""
    feed = Feed("image", {"kind": "csi_motion"}, (2, *MOTION_SIZE))
    model = start_model(foundation, feed, NAMED, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model.image.measures = silent_measures(MOTION_MEASURES, foundation.encoder.width)
    model.image.measures.fit(numbers)
    model.requires_grad_(True)
    model.image.measures.freeze_scale()
    return model


def _batches(windows: dict[str, Tensor]) -> list[tuple[tuple[Tensor, Tensor], Tensor]]:
    parts = (windows["image"], windows["numbers"], named(windows["activity"]))
    rows = zip(*(part.split(_VALIDATION_BATCH) for part in parts), strict=True)
    return [((image, numbers), label) for image, numbers, label in rows]


class _Judged:
    """What the network says of windows that validate: `told` of the classes it names, `asked` of everything."""

    def __init__(self, config: Activities, model: WirelessModel, told: dict[str, Tensor], asked: dict[str, Tensor]):
        self.config, self.model = config, model
        self.label, self.embedding = named(told["activity"]), embeddings(model, config.pooling, told)
        self.targets = targets(asked)
        self.seen = {
            PRESENCE: embeddings(model, config.pooling, asked),
            MOTION: model.image.measures.scaled(asked["numbers"]),
        }

    @torch.no_grad()
    def logits(self, task: str) -> tuple[Tensor, Tensor]:
        """Those of windows that have a class of the task, [n, K], and the classes."""
        if task == self.config.task:
            return self.model.heads[task](self.embedding), self.label
        known = self.targets[task] != UNKNOWN
        return self.model.heads[task](self.seen[task][known]), self.targets[task][known]

    def calibrations(self) -> dict[str, Calibration]:
        """Of each task; those of two classes let at most a share of the first be taken for the second."""
        found = {self.config.task: calibrate(*self.logits(self.config.task), None)}
        for task, share in self.config.false_alarms.items():
            logits, target = self.logits(task)
            found[task] = calibrate(logits, target, None, [(torch.ones_like(target, dtype=torch.bool), share)])
        return found

    def figures(self, calibrations: dict[str, Calibration], out: Path) -> dict:
        logits, label = self.logits(self.config.task)
        confusion = confusion_matrix(logits.argmax(1), label, len(NAMED))
        save(out / "confusion.png", confusion_figure(confusion, NAMED, "generated rooms and people, validation"))
        found = {"mean_class_accuracy": mean_class_accuracy(confusion), "confusion": confusion.tolist()}
        for task in LABELS:
            logits, target = self.logits(task)
            said = (logits / calibrations[task].temperature + torch.tensor(calibrations[task].bias)).argmax(1)
            alarms, recall = (float((said[target == truth] == 1).float().mean()) for truth in (0, 1))
            found[task] = {"false_alarms": alarms, "recall": recall}
        return found


def _contract(config: Activities, foundation: Foundation, calibrations: dict[str, Calibration], command: str) -> dict:
    tasks = {config.task: {"pooling": config.pooling, "labels": list(NAMED)}}
    poolings = {PRESENCE: config.pooling, MOTION: MEASURES}
    tasks |= {task: {"pooling": poolings[task], "labels": list(labels)} for task, labels in LABELS.items()}
    for name, calibration in calibrations.items():
        tasks[name] |= {"kind": "classification", "temperature": calibration.temperature, "open_set_threshold": 0.0}
        if calibration.bias:
            tasks[name]["bias"] = list(calibration.bias)
    size = list(MOTION_SIZE)
    return {
        "name": config.name,
        "encoder": foundation.description["encoder"],
        "affine": foundation.description["affine"],
        "input": "image",
        "modality": "image",
        "input_image": {"channels": 1, "size": [len(find_grid(SUBCARRIERS)), config.packets]},
        "signal": {"kind": "csi_motion"},
        "image": {"channels": 2, "size": size, "per_channel": True, "measures": MOTION_MEASURES},
        "tasks": tasks,
        "origin": {
            "command": f"wfm-finetune {command}".strip(),
            "data": "synthetic",
            "init": {"name": foundation.name, "weights_sha256": foundation.weights_sha256},
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
    }
