# SPDX-License-Identifier: GPL-3.0-or-later
"""How examples are held out, in the field's terms.

    closed set            every class, person, receiver and day is on both sides; whole recordings are held out
    other person, ...     leave one out: all examples of a person (room, day, receiver, device) are held out
    open set              some classes are held out whole: are their examples told from held-out ones of known classes?

Every fold has a validation part, cut from its training side by the same rule; recipes are chosen on it. Folds are a
function of the data alone, the same for all seeds: else the choice for one seed could see the test of another.
"""

from collections.abc import Mapping

import numpy as np

from wfm_core.base.errors import WfmError
from wfm_core.data.splits import Split

CLOSED, OPEN = "closed set", "open set"
RECORDING = "recording"
OTHER = {name: f"other {name}" for name in ("person", "room", "day", "receiver", "device")}
"""The protocol that holds out the values of a group, by the group's name."""
PROTOCOLS = (CLOSED, *OTHER.values(), OPEN)

FOLDS = 5
OPEN_FOLDS = 3


def protocols(
    labels: np.ndarray, groups: Mapping[str, np.ndarray], open_set: bool = False
) -> dict[str, tuple[Split, ...]]:
    """The folds of all protocols that a set of N examples allows, by name.

    `labels` int64 [N]; `groups` values [N] by name: those of `OTHER`, and `RECORDING`, which says what must not be
    parted (without it each example is a recording). `open_set` asks for that protocol too.
    """
    recordings = np.unique(groups.get(RECORDING, np.arange(len(labels))), return_inverse=True)[1]
    found = {CLOSED: closed_set(labels, recordings)}
    for name, protocol in OTHER.items():
        if name in groups and len(np.unique(groups[name])) > 1:
            found[protocol] = leave_one_out(labels, groups[name], recordings)
    if open_set:
        found[OPEN] = leave_classes_out(labels, recordings)
    return found


def closed_set(labels: np.ndarray, recordings: np.ndarray) -> tuple[Split, ...]:
    """FOLDS folds, or as many as the rarest class has recordings; each class near its share in all of them.

    The next fold's test validates. Raises `WfmError` where a class has fewer than three recordings.
    """
    everything = np.arange(len(labels))
    tests = _parts(labels, recordings, everything, fewest=3)
    cyclic = zip(tests, [*tests[1:], tests[0]], strict=True)
    names = (f"{number} of {len(tests)}" for number in range(1, len(tests) + 1))
    return tuple(_split(name, everything, *pair) for name, pair in zip(names, cyclic, strict=True))


def leave_one_out(labels: np.ndarray, group: np.ndarray, recordings: np.ndarray) -> tuple[Split, ...]:
    """A fold per value of `group` [N], named after it; the next value validates, or of two values some recordings.

    Test examples whose class the training side lacks are left out: nobody could name them.
    """
    values = np.unique(group)
    folds = []
    for place, value in enumerate(values):
        is_test = group == value
        test = np.flatnonzero(is_test & np.isin(labels, labels[~is_test]))
        if len(values) > 2:
            validation = np.flatnonzero(group == values[(place + 1) % len(values)])
            folds.append(_split(str(value), np.arange(len(labels)), np.flatnonzero(is_test), validation, test))
        else:
            folds.append(_inner(str(value), labels, recordings, np.flatnonzero(is_test), test))
    return tuple(folds)


def leave_classes_out(labels: np.ndarray, recordings: np.ndarray) -> tuple[Split, ...]:
    """OPEN_FOLDS folds: every third class is unknown, tested beside a fold of the closed set."""
    folds = []
    for number, split in enumerate(closed_set(labels, recordings)[:OPEN_FOLDS], 1):
        unknown = np.isin(labels, np.unique(labels)[number - 1 :: OPEN_FOLDS])
        sides = (side[~unknown[side]] for side in (split.train, split.test, split.validation))
        train, test, validation = sides
        test = np.concatenate([test, np.flatnonzero(unknown)])
        folds.append(Split(train, test, f"{number} of {OPEN_FOLDS}", validation))
    return tuple(folds)


def _parts(labels: np.ndarray, recordings: np.ndarray, rows: np.ndarray, fewest: int) -> list[np.ndarray]:
    """`rows` in parts of whole recordings: FOLDS, or as many as the rarest class has recordings, which is at least
    `fewest`. Each class is dealt out evenly, the rarest first, so that every part has some of it."""
    labels, recordings = labels[rows], recordings[rows]
    of_class = [np.unique(recordings[labels == label]) for label in np.unique(labels)]
    has = min(map(len, of_class))
    if has < fewest:
        raise WfmError(
            f"a class of {has} recordings on one side of a split; {fewest} or more are expected: leave it out"
        )
    parts, sizes = min(FOLDS, has), np.zeros(min(FOLDS, has), int)
    generator, place = np.random.default_rng(0), {}
    for some in sorted(of_class, key=len):
        mine = np.bincount([place[one] for one in some if one in place], minlength=parts)
        for one in generator.permutation([one for one in some if one not in place]):
            place[one] = min(range(parts), key=lambda part: (mine[part], sizes[part]))
            mine[place[one]] += 1
            sizes[place[one]] += 1
    of_row = np.array([place[one] for one in recordings])
    return [rows[of_row == part] for part in range(parts)]


def _inner(name: str, labels: np.ndarray, recordings: np.ndarray, held_out: np.ndarray, test=None) -> Split:
    """A fold whose validation part is recordings of its training side."""
    everything = np.arange(len(labels))
    validation = _parts(labels, recordings, np.setdiff1d(everything, held_out), fewest=2)[0]
    return _split(name, everything, held_out, validation, test)


def _split(name: str, everything: np.ndarray, held_out: np.ndarray, validation: np.ndarray, test=None) -> Split:
    """What is neither held out nor validates trains; of what is held out `test` is tested, by default all."""
    train = np.setdiff1d(everything, np.concatenate([held_out, validation]))
    return Split(train, held_out if test is None else test, name, validation)
