# SPDX-License-Identifier: GPL-3.0-or-later
"""The self-test that a bundle of a model has, in words: its window, its answers, and what this computer makes of it."""

import tempfile
from pathlib import Path

import torch

from wfm_core.base.errors import WfmError
from wfm_core.bundle import export_bundle, load_bundle
from wfm_core.bundle.export import is_model_folder
from wfm_core.bundle.from_foundation import export_foundation
from wfm_core.bundle.screening.archive import SELF_TEST, read_archive
from wfm_core.bundle.self_test import SelfTest, limit, read_self_test

_MOST_LABELS = 4


def self_test_of(folder: Path) -> dict:
    """`window` and `answers` in words, the `difference` here in float32 and the `limit`. Raises `WfmError`."""
    with tempfile.TemporaryDirectory() as made:
        export = export_bundle if is_model_folder(folder) else export_foundation
        path = export(folder, Path(made) / f"{folder.name}.wfm.pt")
        bundle = load_bundle(path, device="cpu", dtype="fp32", engine="torchscript")
        stored = read_archive(path.read_bytes(), str(path)).get(SELF_TEST)
    if stored is None:
        raise WfmError(f"{folder}: its bundle has no self-test, as its input is too large")
    test = read_self_test(stored, bundle.contract, str(folder))
    answers = {name: _in_words(test, name) for name in test.answer}
    return {
        "window": _window(test.window),
        "answers": answers,
        "difference": bundle.self_test,
        "limit": limit("fp32"),
    }


def _window(window: torch.Tensor) -> str:
    shape = "x".join(map(str, window.shape[1:]))
    if window.is_complex():
        return f"One window of {shape} samples (antennas, time), a carrier in noise."
    return f"One image of {shape} (channels, rows, columns) of random numbers."


def _in_words(test: SelfTest, name: str) -> str:
    """Probabilities of the likeliest labels, metres, or an embedding's length and its first numbers."""
    values = test.answer[name][0]
    task = test.contract.tasks.get(name)
    if task is None:
        first = ", ".join(f"{value:.3f}" for value in values[:3].tolist())
        return f"{len(values)} numbers of length {values.norm():.3f}: {first}, ..."
    if not task.labels:
        return ", ".join(f"{value:.2f} m" for value in values.tolist())
    likely = values.softmax(0)  # temperature and bias are in them
    order = likely.argsort(descending=True)[:_MOST_LABELS].tolist()
    return ", ".join(f"{task.labels[place]} {likely[place]:.3f}" for place in order)
