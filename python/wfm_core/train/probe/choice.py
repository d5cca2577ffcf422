# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes are chosen on the validation part of a fold's training side; what learns sees no label of the test.

For 1, 5 and 10 labels per class a recipe is chosen once, with 5 labels per class of the rest of the training side;
for 50 % and all of them with all. So a choice at 1 or 5 rests on more labels than the figure does: on those of the
validation part, the same for whoever is compared.
"""

import numpy as np

from wfm_core.train.probe.learners import Learner
from wfm_core.train.probe.measures import log_loss, open_set_auroc, per_class_accuracy
from wfm_core.train.probe.protocols import OPEN
from wfm_core.train.probe.tasks import ALL, HALF, Exam, draws

CHOSEN_AT = {1: 5, 5: 5, 10: 5, HALF: ALL, ALL: ALL}
"""The budget at which the recipe for a budget is chosen."""


def choose(learner: Learner, exam: Exam, budget: int | str, seed: int) -> dict:
    """The `recipe` that does best on the validation part, and its accuracy there (`validation`).

    `budget` is one of the values of CHOSEN_AT. Of recipes with the same accuracy that of the smaller loss is taken.
    """
    labels, split = exam.labels, exam.split
    validation = split.validation[np.isin(labels[split.validation], labels[split.train])]
    subsets = draws(labels, split.train, budget, seed, learner.tries)
    best = None
    for recipe in learner.recipes:
        tries = [learner.try_out(subset, labels, validation, recipe, seed) for subset in subsets]
        accuracy = np.mean([per_class_accuracy(found.argmax(1), labels[validation]) for _, found in tries])
        loss = np.mean([log_loss(found, labels[validation]) for _, found in tries])
        if best is None or (accuracy, -loss) > best[0]:
            best = (accuracy, -loss), tries[0][0]
    (accuracy, _), recipe = best
    if budget == ALL and "steps" in recipe:  # as many passes over the whole training side
        recipe = {**recipe, "steps": round(recipe["steps"] * len(exam.side) / len(split.train))}
    return {"recipe": recipe, "validation": float(accuracy)}


def judge(learner: Learner, exam: Exam, budget: int | str, recipe: dict, seed: int) -> dict:
    """`figure`: of the test, the mean over `subsets` label subsets."""
    test = exam.split.test
    truth = exam.task.labels[test]
    figures = []
    for subset in draws(exam.labels, exam.side, budget, seed, -(-learner.subsets // exam.folds)):
        found = learner.predict(subset, exam.labels, test, recipe, seed)
        if exam.protocol == OPEN:
            figures.append(open_set_auroc(found, truth, exam.known))
        else:
            figures.append(per_class_accuracy(found.argmax(1), truth))
    return {"figure": float(np.mean(figures)), "subsets": len(figures), "recipe": recipe}
