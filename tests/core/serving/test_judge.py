# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions of many clients that are computed together, and what is refused before it comes to that."""

import numpy as np
import pytest
from flowgraph_helpers import WINDOW, noise

from wfm_core.base.errors import WfmError
from wfm_core.serving.judge import IMAGES, IQ, Judge, Question, check_question


@pytest.fixture(scope="module")
def judge(installed):
    return Judge("tiny", 16, replica="tiny-7")


def question(count: int, antennas: int, seed: int) -> Question:
    samples = noise(antennas, count * WINDOW, seed).reshape(antennas, count, WINDOW)
    return Question(IQ, samples.swapaxes(0, 1).copy())


def test_questions_of_many_clients_are_computed_together(judge, monkeypatch):
    asked = [question(3, 1, 1), question(2, 2, 2), question(1, 1, 3)]
    alone = [judge.answer([one])[0] for one in asked]
    calls, infer = [], judge._bundle.infer
    monkeypatch.setattr(judge._bundle, "infer", lambda batch: calls.append(batch.shape) or infer(batch))
    together = judge.answer(asked)
    assert calls == [(4, 1, WINDOW), (2, 2, WINDOW)], "those of one shape at once"
    for one, other in zip(alone, together, strict=True):
        assert list(one.outputs) == list(other.outputs)
        assert all(np.allclose(one.outputs[name], other.outputs[name], atol=1e-5) for name in one.outputs)
        assert (other.replica, other.engine, other.dtype) == ("tiny-7", judge.facts().engine, judge.facts().dtype)
    assert together[0].computed == together[2].computed > 0, "of the batch"


def test_another_bundle_of_the_name_is_refused(installed):
    with pytest.raises(WfmError, match="and 0000.* where the service was started: install the same bundle on all"):
        Judge("tiny", 1, sha256="0" * 64)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Question(IQ, np.zeros((1, 5, WINDOW), np.complex64)), r"takes iq of shape \[4, 256\]"),
        (Question(IMAGES, np.zeros((1, 1, 8, 8), np.float32)), "takes iq$"),
        (question(17, 1, 0), "17 windows in a request; at most 16"),
    ],
)
def test_what_a_bundle_does_not_take_is_refused(judge, asked, said):
    with pytest.raises(WfmError, match=said):
        check_question(asked, judge._bundle.contract, False, 16)
