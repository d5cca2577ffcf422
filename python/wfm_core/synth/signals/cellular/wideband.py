# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of LTE and 5G NR by the emitters that pretraining uses, as transmissions of any length."""

import numpy as np
import torch

from wfm_core.synth.emitters import nr as nr_emitter
from wfm_core.synth.lte.cell import random_cell
from wfm_core.synth.lte.waveform import lte_waveform
from wfm_core.synth.signals.transmission import Transmission, transmission

_MOST_SAMPLES = 1 << 21


def torch_generator(rng: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(rng.integers(2**62)))


def lte(seconds: float, rng: np.random.Generator) -> Transmission:
    """A downlink cell of 1.4 to 20 MHz, FDD or TDD (TS 36.211); narrow ones where it lasts long."""
    widths = [6, 15, 25, 50, 75, 100]
    fitting = [n_rb for n_rb in widths if seconds * 15e3 * 2 ** np.ceil(np.log2(n_rb * 12)) < _MOST_SAMPLES] or [6]
    generator = torch_generator(rng)
    cell = random_cell(generator, n_rb=int(rng.choice(fitting)))
    subframes = int(seconds * 1000) + 2
    sent = lte_waveform(cell, subframes, generator, "cpu", int(rng.integers(10))).sum(0).numpy()
    count = round(seconds * cell.sample_rate)
    start = int(rng.integers(0, len(sent) - count + 1))
    return transmission(sent[start : start + count], cell.sample_rate, cell.occupied_bandwidth, "lte")


def nr(seconds: float, rng: np.random.Generator) -> Transmission:
    """A 5G NR downlink carrier of 4.5 to 38 MHz (TS 38.211), 15 or 30 kHz."""
    rates = [rate for rate in (7.68e6, 15.36e6, 30.72e6) if rate * seconds < _MOST_SAMPLES] or [7.68e6]
    rate = float(rng.choice(rates))
    emission = nr_emitter.nr(round(seconds * rate), rate, torch_generator(rng))
    return transmission(emission.samples.numpy(), rate, emission.bandwidth, "nr")
