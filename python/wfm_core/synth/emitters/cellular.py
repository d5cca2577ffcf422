# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE downlink cells and direct-sequence spread spectrum, as single transmitters at the receiver's rate."""

from dataclasses import replace

import torch

from wfm_core.synth.channel.resample import input_samples
from wfm_core.synth.draws import choice, uniform
from wfm_core.synth.dsss import dsss as dsss_waveform
from wfm_core.synth.dsss import random_parameters
from wfm_core.synth.emitters.emission import Emission
from wfm_core.synth.emitters.window import WIDEST, receive_part
from wfm_core.synth.lte.cell import FFT_SIZES, SUBCARRIER_SPACING, random_cell
from wfm_core.synth.lte.waveform import lte_waveform

RATES = (1.4e6, 61.44e6)
DSSS_RATES = (0.25e6, 61.44e6)


def lte(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """A random cell (see wfm_core.synth.lte.cell), or a slice of one up to twice as wide as the received band.

    All ports arrive as one: what a receiver gets whose channel from every port is the same.
    """
    fitting = [n_rb for n_rb, size in FFT_SIZES.items() if size * SUBCARRIER_SPACING <= WIDEST * sample_rate]
    cell = random_cell(generator, n_rb=choice(fitting, generator))
    if cell.ports == 4:  # twice the work for what one channel adds up anyway
        cell = replace(cell, ports=2)
    need = input_samples(cell.sample_rate, sample_rate, samples)
    subframes = -(-need // cell.subframe_samples) + 1
    sent = lte_waveform(cell, subframes, generator, generator.device, _first_subframe(cell, generator)).sum(0)
    return receive_part(sent, cell.sample_rate, cell.occupied_bandwidth, sample_rate, samples, generator)


def dsss(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """One continuous transmitter as wfm_core.synth.dsss draws them, chip rate 0.08 to 0.7 of the sample rate."""
    parameters = random_parameters(1, generator)
    width = float(parameters.chip_rate * (1 + parameters.rolloff))
    parameters.offset = torch.zeros_like(parameters.offset)
    return Emission(dsss_waveform(parameters, samples, generator)[0], min(width, 1.0) * sample_rate)


def _first_subframe(cell, generator) -> int:
    """A random subframe with downlink in it; half of the time one with the synchronisation signals."""
    downlink = cell.downlink_symbols()
    usable = [number for number in range(10) if downlink[number] > 0]
    if float(uniform((), 0, 1, generator)) < 0.5:
        usable = [0, 5]
    return choice(usable, generator)
