# SPDX-License-Identifier: GPL-3.0-or-later
"""A foundation and data sets that are small enough to fine-tune in seconds."""

import numpy as np
import torch

from wfm_core.bundle.foundation import build_model, save_foundation
from wfm_core.data.dataset import write_dataset

PILOTS = {"kind": "pilot_grid", "grid": [16, 14], "subcarriers": [0, 5, 10, 15], "symbols": [2, 7, 11]}
PIXELS = ("noise", "wide", "narrow")
"""Of `flat_channels` and of `bars`."""

DESCRIPTION = {
    "name": "tiny",
    "encoder": {"width": 32, "depth": 2, "heads": 2, "mlp_hidden": 64},
    "affine": "before",
    "sample_rate": {"min": 1e6, "max": 2e6},
    "modalities": {
        "image": {
            "samples": 256,
            "channels": 1,
            "size": [32, 32],
            "signal": {
                "kind": "spectrogram",
                "fft_size": 32,
                "hop": 16,
                "size": [32, 32],
                "minimum": -60.0,
                "maximum": 20.0,
                "mean": 0.5,
                "std": 0.2,
            },
        },
        "iq": {"antennas": 4, "tokens": 16, "signal": {"kind": "iq_standard", "mean": [0, 0], "std": [0.7, 0.7]}},
    },
}
FAST = ["threads=1", "precision=32-true", "batch=16", "base_learning_rate=0.05", "warmup_epochs=1"]


def tiny_foundation(folder, **changes):
    """The folder of a foundation of random weights."""
    description = {**DESCRIPTION, **changes}
    with torch.random.fork_rng():
        torch.manual_seed(7)
        save_foundation(folder, description, build_model(description).state_dict())
    return folder


def tones(path, sources=8, windows=4, antennas=2, samples=128):
    """IQ of two classes, tones of a high and a low frequency, in 2 * `sources` recordings of `windows` windows."""
    generator = np.random.default_rng(3)
    label = np.repeat(np.arange(2 * sources) % 2, windows)
    source = np.repeat([f"r{number:02d}" for number in range(2 * sources)], windows)
    frequency = np.where(label == 0, 0.05, 0.31)[:, None, None] + generator.normal(0, 0.004, (len(label), 1, 1))
    phase = generator.uniform(0, 2 * np.pi, (len(label), antennas, 1))
    noise = generator.normal(0, 0.2, (2, len(label), antennas, samples))
    iq = np.exp(1j * (2 * np.pi * frequency * np.arange(samples) + phase)) + noise[0] + 1j * noise[1]
    return write_dataset(
        path,
        "sample",
        iq.astype(np.complex64),
        label,
        labels=["low", "high"],
        groups={"source": source.tolist()},
        task="custom",
        signal={"kind": "iq_rms"},
        provenance={"reader": "test", "synthetic": True},
        sample_rate=1.5e6,
    )


def spots(path, task="activity", windows=48):
    """Images of 3 channels, 20x24 pixels, with a bright spot: left or right are classes, where it is a position."""
    generator = np.random.default_rng(5)
    x = generator.integers(2, 22, windows)
    y = generator.integers(2, 18, windows)
    images = generator.normal(0, 0.05, (windows, 3, 20, 24)).astype(np.float32)
    for image, row, column in zip(images, y, x, strict=True):
        image[:, row - 2 : row + 2, column - 2 : column + 2] += 1
    signal = {
        "kind": "standard_image",
        "size": [224, 224],
        "minimum": 0.0,
        "maximum": 1.0,
        "mean": [0.03] * 3,
        "std": [0.2] * 3,
    }
    common = {"task": task, "signal": signal, "provenance": {"reader": "test"}}
    if task == "position":
        metres = np.stack([x / 2.0, y / 4.0, np.full(windows, 1.5)], axis=1).astype(np.float32)
        scene = {"low": [0, 0, 1.5], "high": [12, 5, 1.5]}
        return write_dataset(path, "features", images, metres, scene=scene, **common)
    return write_dataset(path, "csi", images, (x >= 12).astype(int), labels=["left", "right"], **common)


def flat_channels(path, windows=320, noise=0.5):
    """Channels that are one number over the whole grid, of any level, and pilots with noise: means over all pilots are
    the best estimate, and far better than interpolation."""
    generator = np.random.default_rng(1)
    gain = generator.uniform(0.5, 50, windows) * np.exp(2j * np.pi * generator.random(windows))
    wrong = generator.normal(0, noise / np.sqrt(2), (2, windows, 4, 3))
    pilots = gain[:, None, None] * (1 + wrong[0] + 1j * wrong[1])
    channel = np.broadcast_to(gain[:, None, None], (windows, 16, 14))
    parts = (np.stack([values.real, values.imag], 1).astype(np.float32) for values in (pilots, channel))
    return write_dataset(
        path, "csi", *parts, task="channel_estimate", signal=PILOTS, provenance={"reader": "test", "synthetic": True}
    )  # fmt: skip


def bars(path, windows=160, size=32):
    """Images of noise with a bright bar across in every second one: over 10 rows "wide", over 4 "narrow"."""
    generator = np.random.default_rng(2)
    images, label = generator.normal(0, 0.2, (windows, 1, size, size)), np.zeros((windows, size, size), np.uint8)
    for number in range(0, windows, 2):
        kind = 1 + number // 2 % 2
        rows = (10, 4)[kind - 1]
        first = generator.integers(0, size - rows)
        images[number, 0, first : first + rows] += 1
        label[number, first : first + rows] = kind
    signal = {"kind": "standard_image", "size": [size] * 2, "minimum": 0.0, "maximum": 1.0, "mean": [0.1], "std": [0.4]}
    about = {"signal": signal, "provenance": {"reader": "test", "synthetic": True}, "labels": PIXELS}
    return write_dataset(path, "image", images.astype(np.float32), label, task="segmentation", **about)
