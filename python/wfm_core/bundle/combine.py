# SPDX-License-Identifier: GPL-3.0-or-later
"""One bundle of several fine-tuned models: what is alike in them is kept, and computed, once."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.bundle.contract import Contract
from wfm_core.bundle.export import export_model, read_model_folder

BLOCKS = "encoder.blocks."


@dataclass
class _Model:
    """One task of a run, under its name in the bundle."""

    name: str
    where: Path
    contract: Contract
    weights: dict[str, Tensor]
    old_name: str

    @cached_property
    def blocks(self) -> list[dict[str, Tensor]]:
        """The weights of each encoder block."""
        return [self.part(f"{BLOCKS}{number}.") for number in range(self.contract.encoder.depth)]

    def part(self, start: str) -> dict[str, Tensor]:
        """The weights whose names begin with `start`, named by the rest."""
        return {name[len(start) :]: tensor for name, tensor in self.weights.items() if name.startswith(start)}

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The weights before the blocks, as a stem names them."""
        return {"cls_token": self.weights["cls_token"], **_under("side.", self.part(f"{self.contract.modality}."))}

    @property
    def settings(self) -> dict:
        """What a stem of the contract says of this model, beside its weights."""
        raw = self.contract.raw
        return {
            key: raw[key] for key in ("modality", "encoder", "affine", "signal", "image", "iq", "window") if key in raw
        }


def export_tasks(runs: dict[str, Path], output: Path, name: str) -> Path:
    """Script the model folders `runs` (by task name) into the bundle `output`; returns its path. Raises `WfmError`."""
    return export_model(*combine(runs, name), output)


def combine(runs: dict[str, Path], name: str) -> tuple[dict, dict[str, Tensor]]:
    """The contract (as `export_model` takes it) and weights of a model folder of all tasks of `runs`.

    Stems are shared by tasks of the same modality, preprocessing and bitwise equal weights before the blocks (tuned
    with frozen inputs, or one model for several tasks); behind a stem, blocks as long as they are equal from the
    first. The final norm and the head are always a task's own.
    """
    models = [_open(task, folder) for task, folder in runs.items()]
    contract = {"name": name, **_common(models), "stems": {}, "segments": {}, "tasks": {}}
    weights: dict[str, Tensor] = {}
    for stem, members in enumerate(_alike(models, _same_stem)):
        contract["stems"][f"stem{stem}"] = members[0].settings
        weights |= _under(f"stems.stem{stem}.", members[0].inputs)
        _branch(members, 0, f"stem{stem}", contract, weights)
    contract["tasks"] = {task: contract["tasks"][task] for task in runs}
    contract["origin"] = {"tasks": {model.name: model.contract.origin for model in models}}
    return contract, weights


def _branch(members: list[_Model], first: int, source: str, contract: dict, weights: dict[str, Tensor]) -> None:
    """Add the segments from block `first` on, of models that are alike before it, and the ends of their tasks."""
    depth = len(members[0].blocks)
    for group in _alike(members, lambda a, b: _equal(a.blocks[first], b.blocks[first])):
        leader, last = group[0], first + 1
        while last < depth and all(_equal(leader.blocks[last], other.blocks[last]) for other in group):
            last += 1
        name = f"blocks{len(contract['segments'])}"
        contract["segments"][name] = {"from": source, "blocks": last - first}
        for number in range(first, last):
            weights |= _under(f"segments.{name}.blocks.{number - first}.", leader.blocks[number])
        if last < depth:
            _branch(group, last, name, contract, weights)
            continue
        for model in group:
            contract["tasks"][model.name] = {**model.contract.raw["tasks"][model.old_name], "from": name}
            weights |= _under(f"ends.{model.name}.norm.", model.part("encoder.norm."))
            weights |= _under(f"heads.{model.name}.", model.part(f"heads.{model.old_name}."))


def _open(name: str, folder: Path) -> _Model:
    contract, weights = read_model_folder(folder)
    if contract.stems:
        raise WfmError(f"{folder} holds several models already; give the runs that it was made of")
    tasks = list(contract.tasks)
    if len(tasks) > 1 and name not in tasks:
        raise WfmError(f"{folder} has the tasks {', '.join(tasks)}, not {name!r}; name one of them")
    return _Model(name, folder, contract, weights, name if len(tasks) > 1 else tasks[0])


def _common(models: list[_Model]) -> dict:
    """What all models must have in common: their input."""
    first = models[0]
    for model in models[1:]:
        seen, wanted = _takes(model.contract), _takes(first.contract)
        if seen != wanted:
            raise WfmError(
                f"{model.where} takes {seen}, {first.where} {wanted}; tasks of one bundle see the same input: "
                "make a bundle for each"
            )
    raw = first.contract.raw
    if first.contract.input == "image":
        image = {"channels": first.contract.input_shape[0], "size": list(first.contract.input_shape[1:])}
        return {"input": "image", "input_image": image}
    low = max(model.contract.sample_rate_min for model in models)
    high = min(model.contract.sample_rate_max for model in models)
    if low > high:
        raise WfmError(
            f"no sample rate fits all of {', '.join(str(model.where) for model in models)}; make a bundle for each"
        )
    antennas = min(model.contract.antennas for model in models)
    window = {"antennas": antennas, "samples": raw["window"]["samples"]}
    return {"input": "iq", "window": window, "sample_rate": {"min": low, "max": high}}


def _takes(contract: Contract) -> str:
    if contract.input == "image":
        return "images of {} channels, {}x{}".format(*contract.input_shape)
    return f"IQ windows of {contract.samples} samples"


def _alike(models: list[_Model], same) -> list[list[_Model]]:
    """The models in groups that are the same, in order."""
    groups: list[list[_Model]] = []
    for model in models:
        group = next((group for group in groups if same(group[0], model)), None)
        if group is None:
            groups.append([model])
        else:
            group.append(model)
    return groups


def _same_stem(a: _Model, b: _Model) -> bool:
    image = ("image_channels", "image_size", "image_per_channel")
    same = ("modality", "encoder", "affine", "signal", "iq_measures", *image)
    return all(getattr(a.contract, key) == getattr(b.contract, key) for key in same) and _equal(a.inputs, b.inputs)


def _equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Whether the weights are bitwise the same; of another precision they may be, if their values are."""
    return a.keys() == b.keys() and all(torch.equal(a[name].float(), b[name].float()) for name in a)


def _under(start: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {start + name: tensor for name, tensor in weights.items()}
