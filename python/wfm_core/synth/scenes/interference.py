# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of the interference task: an LTE downlink with or without DSSS beneath it.

Powers. All powers are means over the window, over the antennas, and over the whole received band (-sample_rate/2 to
sample_rate/2), before the front end's impairments:

- SIR (dB) = power of LTE over power of DSSS;
- SNR (dB) = power of LTE over power of thermal noise.

A window that falls into a gap of the cell (TDD uplink, no traffic) would make both meaningless: LTE's power is never
taken as less than `QUIETEST` of its mean over the longer stretch that the window was cut from.
"""

from dataclasses import dataclass

import torch

from wfm_core.synth.channel.fading import fading
from wfm_core.synth.channel.impairments import LONGEST_CLOCKED, apply_frontend, random_frontend
from wfm_core.synth.channel.resample import input_samples, receive_band
from wfm_core.synth.draws import choice, complex_normal, uniform
from wfm_core.synth.dsss import dsss, random_parameters
from wfm_core.synth.emitters.nr import nr
from wfm_core.synth.lte.cell import LteCell, random_cell
from wfm_core.synth.lte.waveform import lte_waveform

LABELS = ("none", "dsss-bpsk", "dsss-qpsk")
"""The classes of the task interference, in the order that INTD and INTC are defined for."""
NONE, BPSK, QPSK = range(3)
_RATES_MHZ = (1.92, 2, 2.048, 2.4, 3.2, 3.84, 4, 5, 5.76, 7.68, 8, 10, 11.52, 15.36, 16, 20, 23.04, 25, 30.72)
SAMPLE_RATES = tuple(1e6 * rate for rate in _RATES_MHZ)
"""Hz: the rates of the training scenes, common ones of radios from 1.92 to 30.72 MS/s."""

NR_SLOWEST = 5e6
"""Hz: the lowest rate at which cells of 5G NR are received."""

QUIETEST = 0.03
_MAX_PORTS = 2
_WIDEST = 6  # a cell fills at least about a sixth of the band that is looked at
GUARD = 160
"""Samples, a multiple of 16, at the front of a window that are dropped after fading(), which is circular: the window's
end leaks into so many at 30.72 MS/s."""


@dataclass
class CellStretch:
    """A stretch of one received cell: complex64 [ports, n] at `sample_rate`, of unit mean power over all ports."""

    samples: torch.Tensor
    sample_rate: float


def random_stretch(samples: int, generator: torch.Generator) -> CellStretch:
    """Receive `samples` samples of a random cell at a random rate: whole, off centre, or a slice of a wider cell."""
    cell = random_cell(generator)
    sample_rate = choice([rate for rate in SAMPLE_RATES if rate <= _WIDEST * cell.sample_rate], generator)
    spare = abs(cell.occupied_bandwidth - sample_rate)
    offset = float(uniform((), -1, 1, generator)) * max(spare, 0.1 * sample_rate) / 2
    return receive_cell(cell, sample_rate, offset, samples, generator)


def random_nr_stretch(samples: int, generator: torch.Generator) -> CellStretch:
    """The same of a random 5G NR carrier, from one port: no cell of the task, but one that DSSS may hide under."""
    sample_rate = choice([rate for rate in SAMPLE_RATES if rate >= NR_SLOWEST], generator)
    received = nr(samples, sample_rate, generator).samples[None]
    power = received.abs().square().mean()
    return CellStretch(received / power.clamp(min=1e-12).sqrt(), sample_rate)


def receive_cell(
    cell: LteCell, sample_rate: float, offset: float, samples: int, generator: torch.Generator
) -> CellStretch:
    """`samples` samples of `cell`, from a random subframe on, by a receiver `offset` Hz above the cell's centre."""
    subframes = -(-input_samples(cell.sample_rate, sample_rate, samples) // cell.subframe_samples)
    first = int(torch.randint(10, (), generator=generator, device=generator.device))
    sent = lte_waveform(cell, subframes, generator, generator.device, first)[:_MAX_PORTS]
    received = receive_band(sent, cell.sample_rate, sample_rate, offset, samples)
    power = received.abs().square().sum(0).mean()
    return CellStretch(received / power.clamp(min=1e-12).sqrt(), sample_rate)


@dataclass
class Windows:
    """A labelled batch. iq complex64 [B, A, T]; label int64 [B] (index into LABELS); sir_db NaN where label is none."""

    iq: torch.Tensor
    label: torch.Tensor
    sir_db: torch.Tensor
    snr_db: torch.Tensor
    sample_rate: torch.Tensor


class InterferenceScenes:
    """Draws labelled windows from a pool of cell stretches that is renewed as it is used.

    Each window gets its own fading, interference, noise and front end; every stretch of the pool is replaced after,
    on average, `reuse` times as many windows as fit into it, which are `stretch`. Everything comes from the one
    generator. `pool` holds the stretches that the next window may be cut from, of which a share `nr_cells` are of 5G NR
    in place of LTE.
    """

    def __init__(
        self,
        samples: int,
        generator: torch.Generator,
        pool: int = 48,
        reuse: float = 3.0,
        nr_cells: float = 0.0,
        stretch: int = 10,
    ):
        self.samples, self.generator, self.reuse, self.nr_cells = samples, generator, reuse, nr_cells
        self.stretch = stretch
        self.pool = [self._stretch() for _ in range(pool)]
        self._oldest = 0
        self._due = 0.0

    def draw(
        self,
        batch: int,
        antennas: int,
        sir_db: tuple[float, float] = (-5.0, 15.0),
        snr_db: tuple[float, float] = (5.0, 30.0),
        label: torch.Tensor | None = None,
    ) -> Windows:
        """`batch` windows of `antennas` antennas; SIR and SNR uniform in their ranges, labels uniform unless given."""
        generator = self.generator
        self._renew(batch)
        if label is None:
            label = torch.randint(0, len(LABELS), (batch,), generator=generator, device=generator.device)
        cells, sample_rate = self._cut(batch)
        sir = uniform((batch,), *sir_db, generator)
        snr = uniform((batch,), *snr_db, generator)
        parts = components(cells, sample_rate, label, sir, snr, antennas, generator)
        frontend = random_frontend(batch, generator, antennas)
        if self.samples > LONGEST_CLOCKED:
            frontend.clock_ppm.zero_()
        iq = apply_frontend(sum(parts), frontend, sample_rate, generator)
        return Windows(iq, label, torch.where(label == NONE, torch.nan, sir), snr, sample_rate)

    def _stretch(self) -> CellStretch:
        # No draw where there are none: the scenes of a seed stay what they were.
        other = self.nr_cells > 0 and float(uniform((), 0, 1, self.generator)) < self.nr_cells
        receive = random_nr_stretch if other else random_stretch
        return receive(self.stretch * self.samples + GUARD, self.generator)

    def _renew(self, batch: int) -> None:
        self._due += batch / (self.stretch * self.reuse)
        while self._due >= 1:
            self.pool[self._oldest] = self._stretch()
            self._oldest = (self._oldest + 1) % len(self.pool)
            self._due -= 1

    def _cut(self, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Random windows of random stretches: complex64 [B, ports, samples] and their rates [B]."""
        which = torch.randint(len(self.pool), (batch,), generator=self.generator, device=self.generator.device)
        chosen = [self.pool[index] for index in which.tolist()]
        start = torch.randint(
            (self.stretch - 1) * self.samples, (batch,), generator=self.generator, device=which.device
        )
        windows = torch.zeros(batch, _MAX_PORTS, self.samples + GUARD, dtype=torch.complex64, device=which.device)
        for row, (stretch, first) in enumerate(zip(chosen, start.tolist(), strict=True)):
            windows[row, : len(stretch.samples)] = stretch.samples[:, first : first + self.samples + GUARD]
        rates = torch.tensor([stretch.sample_rate for stretch in chosen], device=which.device)
        return windows, rates


def components(
    cells: torch.Tensor,
    sample_rate: torch.Tensor,
    label: torch.Tensor,
    sir_db: torch.Tensor,
    snr_db: torch.Tensor,
    antennas: int,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """LTE, interference and noise at the antennas, each complex64 [B, antennas, T]; their sum is what arrives.

    cells: complex64 [B, ports, GUARD + T] of unit mean power. Powers are as this module defines SIR and SNR.
    """
    lte = fading(cells, antennas, sample_rate, generator)[..., GUARD:]
    reference = lte.abs().square().mean((1, 2), keepdim=True).clamp(min=QUIETEST)
    interference = faded_interference(label, antennas, lte.shape[-1], sample_rate, generator)
    sir, snr = ((10 ** (decibels / 10))[:, None, None] for decibels in (-sir_db, -snr_db))
    interference = (reference * sir).sqrt() * (label != NONE)[:, None, None] * interference
    return lte, interference, (reference * snr).sqrt() * complex_normal(lte.shape, generator)


def faded_interference(label, antennas, samples, sample_rate, generator, lead_in: int = GUARD) -> torch.Tensor:
    """DSSS through its own fading, complex64 [B, antennas, samples], unit mean power over antennas and time."""
    parameters = random_parameters(len(label), generator, qpsk=label == QPSK)
    sent = dsss(parameters, samples + lead_in, generator)
    received = fading(sent[:, None], antennas, sample_rate, generator)[..., lead_in:]
    return received / received.abs().square().mean((1, 2), keepdim=True).sqrt()
