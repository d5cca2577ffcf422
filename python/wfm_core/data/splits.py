# SPDX-License-Identifier: GPL-3.0-or-later
"""Which windows train and which test, so that no recording, person or room is on both sides unless it is said.

Methods, as texts (`--split`):

    random               windows drawn at random, as published; windows of one recording land on both sides
    stratified           the same share of every class, else as random
    group:NAME           whole values of a group (source, person, room), each class near its share
    leave:NAME=A         the windows whose group NAME is A test, all others train; several values with commas
    hold:NAME=A,B        the same
    official             the group `official` of the set says `train` or `test`
    every:N              every Nth recording (group `source`; without one, window) of each class tests
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import plain

SPLIT = "split.json"
"""The file in a run folder that keeps the split which the run was trained on."""

SOURCE = "source"
"""The group that says which recording a window was cut from."""


@dataclass(frozen=True, eq=False)
class Split:
    """Indices of windows, int64; `validation` is cut from the training side and may be empty. `description` says in
    words how they were parted and what leaks."""

    train: np.ndarray
    test: np.ndarray
    description: str = ""
    validation: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def to_json(self) -> dict:
        """A mapping that `json` writes and `from_json` reads: `description` and the lists of indices."""
        sides = {name: getattr(self, name).tolist() for name in ("train", "validation", "test")}
        return {"description": self.description, **sides}

    @classmethod
    def from_json(cls, mapping: dict) -> "Split":
        train, validation, test = (np.array(mapping[name], np.int64) for name in ("train", "validation", "test"))
        return cls(train, test, mapping["description"], validation)


def make_split(
    label: np.ndarray,
    groups: Mapping[str, np.ndarray],
    method: str,
    seed: int,
    test: float = 0.2,
    names: Sequence[str] | None = None,
) -> Split:
    """Part N windows by one of the methods above.

    `label` int64 [N] are classes, called `names` in errors; float [N, 3] are positions, which know no classes.
    `groups` are texts [N] by name. `test` is the share that tests, `seed` draws it; leave, hold, official and every
    need neither. Raises `WfmError` where a class has one window or would be on one side only. Only leave and hold
    may part a class from the test, and the description says so: whose windows are held out is the user's choice.
    """
    if not 0 < test < 1:
        raise WfmError(f"test share {test:g}; expected a number between 0 and 1, such as 0.2")
    name, _, argument = method.partition(":")
    draw = _known(name, argument, method)
    data = _Windows(np.asarray(label), groups, names, test, np.random.default_rng(seed))
    data.check_classes()
    is_test = draw(data, argument)
    remark = data.check_sides(is_test, method, by_name=draw is _held_out)
    split = Split(np.flatnonzero(~is_test), np.flatnonzero(is_test))
    head = f"{method}, seed {seed}" if draw in (_random, _stratified, _whole_groups) else method
    counts = f"{len(split.train)} windows train, {len(split.test)} test"
    return replace(split, description=f"{head}: {counts}{remark}{_leak(split, groups, draw, argument)}")


def shared_values(split: Split, values: np.ndarray) -> list[str]:
    """The values of a group [N] that have windows on both sides, sorted; an empty list where nothing leaks."""
    values = np.asarray(values).astype(str)
    return sorted(set(values[split.train]) & set(values[split.test]))


def require_apart(split: Split, groups: Mapping[str, np.ndarray], name: str) -> None:
    """Raise `WfmError` where a value of the group `name` is on both sides of the split."""
    both = shared_values(split, groups[name])
    if both:
        raise WfmError(
            f"{len(both)} values of the group {name!r} are on both sides of the split ({_listed(both)}); none is "
            f"expected: split by group:{name}"
        )


class _Windows:
    """The set to be parted. `label` int64 [N]; positions count as one class."""

    def __init__(self, label, groups, names, test, generator):
        self.classes = label.ndim == 1
        self.label = label.astype(np.int64) if self.classes else np.zeros(len(label), np.int64)
        self.groups, self.names, self.test, self.generator = groups, names, test, generator

    def column(self, name: str) -> np.ndarray:
        """The group `name` as texts [N]."""
        if name not in self.groups:
            raise WfmError(f"unknown group {name!r}; {_nearest(name, list(self.groups), 'groups of this set')}")
        return np.asarray(self.groups[name]).astype(str)

    def share(self, count: int) -> int:
        """How many of `count` test: the nearest to the share that leaves one or more on either side."""
        return min(max(round(self.test * count), 1), count - 1)

    def called(self, classes) -> str:
        return _listed([self.names[k] if self.names is not None else str(k) for k in classes])

    def check_classes(self) -> None:
        present, counts = np.unique(self.label, return_counts=True)
        single = present[counts == 1]
        if self.classes and len(single):
            raise WfmError(
                f"classes of one window: {self.called(single)}; two or more are expected, for either side of the split "
                "one: record more of them or leave them out"
            )
        if len(self.label) < 2:
            raise WfmError(f"{len(self.label)} windows to split; two or more are expected: record more")

    def check_sides(self, is_test: np.ndarray, method: str, by_name: bool) -> str:
        """Refuse classes that are on one side only; returns what is to be said of those that may be."""
        if is_test.all() or not is_test.any():
            side = "train" if is_test.all() else "test"
            raise WfmError(f"split {method!r} leaves no windows to {side}; expected some on both sides: choose another")
        train, test = set(self.label[~is_test].tolist()), set(self.label[is_test].tolist())
        faults = [f"in the test only: {self.called(sorted(test - train))}"] if test - train else []
        if train - test and not by_name:
            faults.append(f"in training only: {self.called(sorted(train - test))}")
        if faults:
            raise WfmError(
                f"split {method!r} has labels {', '.join(faults)}; every label is expected on both sides: choose "
                "another split (such as stratified) or record these labels in more groups"
            )
        return f"; no windows to test of: {self.called(sorted(train - test))}" if train - test else ""


def _random(data: _Windows, _: str) -> np.ndarray:
    is_test = np.zeros(len(data.label), bool)
    is_test[data.generator.permutation(len(is_test))[: data.share(len(is_test))]] = True
    return is_test


def _stratified(data: _Windows, _: str) -> np.ndarray:
    if not data.classes:
        raise WfmError("split 'stratified' of positions, which have no classes; expected random or group:NAME")
    is_test = np.zeros(len(data.label), bool)
    for members in _by_class(data.label):
        windows = data.generator.permutation(members)
        is_test[windows[: data.share(len(windows))]] = True
    return is_test


def _by_class(label: np.ndarray) -> list[np.ndarray]:
    """The indices of each class's members, ascending, classes in their order: one sort for any number of classes."""
    order = np.argsort(label, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(label[order])) + 1)


def _whole_groups(data: _Windows, name: str) -> np.ndarray:
    values, of = np.unique(data.column(name), return_inverse=True)
    if len(values) < 2:
        raise WfmError(
            f"the group {name!r} has {len(values)} value ({_listed(values)}); two or more are expected to split by it: "
            "choose another group"
        )
    counts = np.zeros((len(values), data.label.max() + 1), np.int64)
    np.add.at(counts, (of, data.label), 1)
    return _balanced(counts, data.test, data.generator)[of]


def _balanced(counts: np.ndarray, test: float, generator: np.random.Generator) -> np.ndarray:
    """Which groups test, bool [G], from windows `counts` [G, K] per group and class: each class near its share.

    Groups come in random order; one is taken where it brings the classes nearer to their shares, by the sum of
    squared gaps, a class of many windows weighing no more than a small one.
    """
    total = counts.sum(0)
    weight = 1 / np.maximum(total, 1) ** 2
    missing = test * total
    chosen = np.zeros(len(counts), bool)
    for g in generator.permutation(len(counts)):
        if (weight * counts[g] * (counts[g] - 2 * missing)).sum() < 0:
            chosen[g] = True
            missing = missing - counts[g]
    for side in (True, False):
        _serve(counts, chosen, side)
    return chosen


def _serve(counts: np.ndarray, chosen: np.ndarray, side: bool) -> None:
    """Give every class that `side` lacks its smallest group that the other side can spare; changes `chosen`."""
    for k in np.flatnonzero(counts.sum(0)):
        if counts[chosen == side, k].any():
            continue
        other = counts[chosen != side].sum(0)
        spare = [g for g in np.flatnonzero(counts[:, k]) if ((counts[g] == 0) | (counts[g] < other)).all()]
        if spare:
            chosen[min(spare, key=lambda g: counts[g].sum())] = side


def _held_out(data: _Windows, argument: str) -> np.ndarray:
    name, _, listed = argument.partition("=")
    column = data.column(name)
    known = sorted(set(column))
    wanted = [value.strip() for value in listed.split(",")]
    for value in wanted:
        if value not in known:
            raise WfmError(f"no window has {name} {value!r}; {_nearest(value, known, f'values of {name}')}")
    return np.isin(column, wanted)


def _official(data: _Windows, _: str) -> np.ndarray:
    column = data.column("official")
    other = sorted(set(column) - {"train", "test"})
    if other:
        raise WfmError(f"the group 'official' holds {_listed(other)}; expected train and test: build the set again")
    return column == "test"


def _every(data: _Windows, step: str) -> np.ndarray:
    if not step.isdecimal() or int(step) < 2:
        raise WfmError(f"split 'every:{step}'; expected a whole number of 2 or more, such as every:3")
    recording = data.column(SOURCE) if SOURCE in data.groups else np.arange(len(data.label))
    _, first, of = np.unique(recording, return_index=True, return_inverse=True)
    is_test = np.zeros(len(first), bool)
    label = data.label[first]  # a recording of several classes counts with its first
    for recordings in _by_class(label):
        in_order = recordings[np.argsort(first[recordings])]
        is_test[in_order[int(step) - 1 :: int(step)]] = True
    return is_test[of]


_METHODS = {
    "random": ("random", _random),
    "stratified": ("stratified", _stratified),
    "group": ("group:NAME", _whole_groups),
    "leave": ("leave:NAME=VALUE", _held_out),
    "hold": ("hold:NAME=VALUE,VALUE", _held_out),
    "official": ("official", _official),
    "every": ("every:N", _every),
}
METHODS = tuple(form for form, _ in _METHODS.values())
"""The forms of the methods, for help texts."""


def _known(name: str, argument: str, method: str):
    """The function of the method `name`; raises `WfmError` where there is none or its form is another."""
    if name not in _METHODS:
        raise WfmError(f"unknown split {method!r}; {_nearest(method, list(METHODS), 'splits')}")
    form, draw = _METHODS[name]
    if bool(argument) != (":" in form) or ("=" in form and "=" not in argument):
        raise WfmError(f"split {method!r}; expected the form {form}")
    return draw


def _leak(split: Split, groups: Mapping[str, np.ndarray], draw, argument: str) -> str:
    """What the description says of windows of one recording, or one named group, on both sides."""
    if draw is _whole_groups:
        require_apart(split, groups, argument)
    text = f"; no {argument} is on both sides" if draw is _whole_groups else ""
    if SOURCE not in groups:
        unknown = "; may leak: the set does not say which windows are of one recording (no group `source`)"
        return text + unknown if draw in (_random, _stratified, _every) else text
    both = shared_values(split, groups[SOURCE])
    if both:
        number = len(set(np.asarray(groups[SOURCE]).astype(str)))
        text += f"; leaks: {len(both)} of {number} recordings have windows on both sides, figures come out too high"
    return text


def _nearest(seen: str, known: list[str], what: str) -> str:
    """What to use instead of `seen`."""
    if not known:
        return f"there are no {what}: build the set with one"
    near = difflib.get_close_matches(seen, known, n=1, cutoff=0)
    return f"the nearest of the {what} is {plain(near[0])} ({_listed(known)}): use one of them"


def _listed(values, most: int = 12) -> str:
    values = [str(value) for value in values]
    rest = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(values[:most]) + rest
