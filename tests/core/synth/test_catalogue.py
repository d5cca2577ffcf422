# SPDX-License-Identifier: GPL-3.0-or-later
"""What every generator of single signals keeps to, whatever it is asked for; and the page that lists them."""

import re
from pathlib import Path

import numpy as np
import pytest

from wfm_core.synth.signals.catalogue import LABELS, LEAST_SECONDS, SIGNALS, UNHEARD

KINDS = [(label, kind) for label, kinds in SIGNALS.items() for kind in kinds]


def check(label: str, kind: str, seconds: float, seed: int) -> None:
    sent = SIGNALS[label][kind](seconds, np.random.default_rng(seed))
    where = f"{label}/{kind} of {seconds} s, seed {seed}"
    x = sent.samples
    assert x.dtype == np.complex64 and x.ndim == 1, where
    assert abs(len(x) - seconds * sent.sample_rate) <= 1, where
    assert np.isfinite(x.view(np.float32)).all(), where
    on = x != 0
    assert on.any(), where
    assert np.mean(np.abs(x[on]) ** 2) == pytest.approx(1, abs=0.02), where
    assert 0 < sent.bandwidth <= sent.sample_rate, where


@pytest.mark.parametrize(("label", "kind"), KINDS)
def test_a_generator_keeps_its_word(label, kind):
    least = LEAST_SECONDS.get(label, 2e-3)
    for seed, seconds in enumerate((least, 1.3 * least, min(5 * least, 0.4))):
        check(label, kind, max(seconds, least), seed)


@pytest.mark.slow
@pytest.mark.parametrize(("label", "kind"), KINDS)
def test_a_generator_keeps_its_word_many_times(label, kind):
    least = LEAST_SECONDS.get(label, 2e-3)
    rng = np.random.default_rng(99)
    for seed in range(100, 140):
        check(label, kind, least * 8 ** rng.random(), seed)


def test_the_same_seed_is_the_same_signal():
    for label, kind in KINDS[:: max(len(KINDS) // 12, 1)]:
        a, b = (SIGNALS[label][kind](LEAST_SECONDS.get(label, 2e-3), np.random.default_rng(3)) for _ in "ab")
        np.testing.assert_array_equal(a.samples, b.samples)


def test_every_class_has_generators_but_those_that_are_made_otherwise():
    assert set(SIGNALS) <= set(LABELS)
    assert all(kinds for kinds in SIGNALS.values())


def test_the_page_of_signals_lists_each_class_and_kind():
    page = (Path(__file__).parents[3] / "docs" / "signals.md").read_text()
    classes = page.split("## Classes")[1].split("## Kept out of training")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", classes, re.MULTILINE) == list(LABELS)
    assert [kind for _, kind in KINDS if f"`{kind}`" not in classes] == []


def test_the_page_of_signals_lists_what_is_kept_out_of_training():
    page = (Path(__file__).parents[3] / "docs" / "signals.md").read_text()
    table = page.split("## Kept out of training")[1].split("## Decoded by others")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE) == list(UNHEARD)
    assert [kind for kinds in UNHEARD.values() for kind in kinds if f"`{kind}`" not in table] == []


def test_the_page_of_decoded_signals_names_classes_only():
    page = (Path(__file__).parents[3] / "docs" / "signals.md").read_text()
    table = page.split("| class | kinds | receiver | sent | decoded |")[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert {row[0] for row in cells} <= set(LABELS)
    assert all(0 < int(row[4]) <= int(row[3]) for row in cells)
