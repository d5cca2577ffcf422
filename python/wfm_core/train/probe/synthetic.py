# SPDX-License-Identifier: GPL-3.0-or-later
"""The synthetic tasks: labelled windows of one antenna and 1024 samples, rendered from a seed."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from wfm_core.bundle.foundation import Foundation
from wfm_core.data.splits import Split
from wfm_core.synth.channel.fading import fading, settle_samples
from wfm_core.synth.channel.impairments import add_noise, carrier_offset
from wfm_core.synth.draws import uniform
from wfm_core.synth.modulation import MODULATIONS, modulated
from wfm_core.synth.scenes.devices import random_transmitters, transmit
from wfm_core.synth.scenes.interference import LABELS, InterferenceScenes
from wfm_core.train.probe.hand import iq_features
from wfm_core.train.probe.protocols import CLOSED
from wfm_core.train.probe.tasks import Task

SAMPLES = 1024
PER_CLASS = 100
"""Windows of each class on the training side, and as many held out."""
VALIDATION = 0.2
"""Of the training side: what recipes are chosen on."""

DEVICES = 10
SIR_DB = (-10.0, 0.0)
MODULATION_SNR_DB = (0.0, 20.0)
MODULATION_RATE = 1e6
LARGEST_OFFSET = 0.01  # of the sample rate
DEVICE_SNR_DB = (15.0, 30.0)
_BATCH = 100


def interference(seed: int) -> Task:
    """An LTE downlink with no, BPSK or QPSK spread-spectrum interference of SIR -10 to 0 dB beneath it."""
    generator = torch.Generator().manual_seed(seed)
    scenes = InterferenceScenes(SAMPLES, generator)

    def render(label: Tensor) -> Tensor:
        return scenes.draw(len(label), 1, sir_db=SIR_DB, label=label).iq

    return _task("interference", LABELS, render)


def modulation(seed: int) -> Task:
    """Ten modulations, 4 to 16 samples a symbol, off the centre, through fading, SNR 0 to 20 dB."""
    generator = torch.Generator().manual_seed(1_000 + seed)

    def render(label: Tensor) -> Tensor:
        lead_in = settle_samples(MODULATION_RATE)
        sent = [
            modulated(MODULATIONS[index], SAMPLES + lead_in, float(uniform((), 4, 16, generator)), generator)
            for index in label.tolist()
        ]
        received = fading(torch.stack(sent)[:, None], 1, MODULATION_RATE, generator)[..., lead_in:]
        offset = uniform((len(label),), -LARGEST_OFFSET, LARGEST_OFFSET, generator) * MODULATION_RATE
        return _noisy(carrier_offset(received, offset, MODULATION_RATE), MODULATION_SNR_DB, generator)

    return _task("modulation", MODULATIONS, render)


def fingerprint(seed: int) -> Task:
    """Which of ten transmitters sent this? Each has its own flaws, every window its own data, channel and noise."""
    generator = torch.Generator().manual_seed(2_000 + seed)
    transmitters = random_transmitters(DEVICES, generator)

    def render(label: Tensor) -> Tensor:
        return _noisy(transmit(transmitters, label, SAMPLES, generator), DEVICE_SNR_DB, generator)

    return _task("fingerprint", tuple(f"device {index}" for index in range(DEVICES)), render)


def _task(name: str, classes: tuple[str, ...], render: Callable[[Tensor], Tensor]) -> Task:
    """PER_CLASS windows of each class for training, then as many for the test; `render` takes labels to windows.

    Nothing is rendered before it is needed.
    """
    half = torch.arange(len(classes)).repeat(PER_CLASS)
    labels = torch.cat([half, half])
    middle, validation = len(half), round(VALIDATION * PER_CLASS) * len(classes)
    rows = np.arange(2 * middle)
    split = Split(rows[: middle - validation], rows[middle:], "half", rows[middle - validation : middle])

    @cache
    def iq() -> Tensor:
        return torch.cat([render(part) for part in labels.split(_BATCH)])

    def inputs(foundation: Foundation, side: np.ndarray) -> Tensor:
        return foundation.preprocess["iq"](iq())

    simple = cache(lambda: iq_features(iq().numpy()))
    return Task(name, "iq", classes, labels.numpy(), {CLOSED: (split,)}, inputs, simple)


def _noisy(received: Tensor, snr_db: tuple[float, float], generator: torch.Generator) -> Tensor:
    """Noise relative to the power of each window [B, A, T] as received, SNR uniform in the range."""
    power = received.abs().square().mean((1, 2))
    return add_noise(received, uniform((len(received),), *snr_db, generator), power, generator)
