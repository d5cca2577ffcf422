# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole scenes for the simulated radio: minutes of signal with the truth of what is in them."""

import math
from dataclasses import dataclass, field

import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.channel.fading import fading
from wfm_core.synth.channel.impairments import apply_frontend, random_frontend
from wfm_core.synth.draws import choice, complex_normal, uniform
from wfm_core.synth.lte.cell import FFT_SIZES, LteCell
from wfm_core.synth.scenes.interference import LABELS, NONE, faded_interference, receive_cell

LEVEL_DBFS = -24.0
"""Level of the LTE signal alone in a rendered scene; interference up to 10 dB above it stays below full scale."""


@dataclass
class Segment:
    """A stretch of one label; sir_db is NaN where nothing interferes. `labels`: by task, where there are several.

    edges: lower and upper, Hz from the middle of the band, of what is on beside others; None for the whole band.
    """

    sample_start: int
    sample_count: int
    label: str
    sir_db: float = math.nan
    labels: dict[str, str] = field(default_factory=dict)
    edges: tuple[float, float] | None = None


@dataclass
class Scene:
    """samples complex64 [antennas, n], full scale 1; sample_rate and center_freq in Hz.

    truth: covers every sample, one segment after another; or, where they have edges, what is on, in the order of its
    begin.
    """

    samples: torch.Tensor
    sample_rate: float
    center_freq: float
    truth: list[Segment]


def render_scene(
    name: str = "lte_interference",
    seconds: float = 10.0,
    sample_rate: float = 1.92e6,
    antennas: int = 2,
    seed: int = 0,
    sir_db: tuple[float, float] = (-5.0, 0.0),
    snr_db: tuple[float, float] = (15.0, 25.0),
) -> Scene:
    """Render a scene of `SCENES` from a seed.

    "lte_interference": one cell in the band; every 0.1 to 0.3 s a new segment with or without DSSS at an SIR drawn
    from `sir_db`, each with channels of its own. The receiver's gain, offset and imbalances stay. SIR and SNR are
    as in wfm_core.synth.scenes.interference, over the segment.
    """
    if name != "lte_interference":
        raise WfmError(f"scene {name!r} is not known; expected 'lte_interference'")
    generator = torch.Generator().manual_seed(seed)
    count = round(seconds * sample_rate)
    lead_in = _unit(sample_rate)
    cell = _cell(sample_rate, generator)
    sent = receive_cell(cell, sample_rate, 0.02 * sample_rate, lead_in + count, generator).samples
    frontend = random_frontend(1, generator, antennas)
    frontend.clock_ppm.zero_()
    frontend.spur_dbc.fill_(-torch.inf)
    frontend.bits.clamp_(min=12)
    noise_db = float(uniform((), *snr_db, generator))
    samples = torch.empty(antennas, count, dtype=torch.complex64)
    truth = _segments(count, sample_rate, sir_db, generator)
    for segment in truth:
        span = slice(segment.sample_start, segment.sample_start + segment.sample_count)
        padded = sent[:, span.start : span.stop + lead_in]
        samples[:, span] = _receive(padded, lead_in, segment, sample_rate, noise_db, antennas, frontend, generator)
    return Scene(samples, sample_rate, 1.8425e9, truth)


def _cell(sample_rate: float, generator: torch.Generator) -> LteCell:
    """A busy FDD cell that fills about half of the band or more (the widest there is, if none does)."""
    wide = [n_rb for n_rb in FFT_SIZES if n_rb * 180e3 >= 0.55 * sample_rate]
    return LteCell(
        n_rb=wide[0] if wide else max(FFT_SIZES),
        cell_id=int(uniform((), 0, 504, generator)),
        ports=2,
        load=float(uniform((), 0.3, 1.0, generator)),
    )


def _unit(sample_rate: float) -> int:
    """Samples; a power of two of 4 to 9 ms. Segments are multiples of it: their transforms stay fast."""
    return 2 ** int(math.log2(sample_rate * 8.7e-3))


def _segments(count: int, sample_rate: float, sir_db: tuple[float, float], generator: torch.Generator) -> list[Segment]:
    segments, start, unit = [], 0, _unit(sample_rate)
    while start < count:
        length = int(float(uniform((), 0.1, 0.3, generator)) * sample_rate) // unit * unit
        length = min(length, count - start)
        label = choice(LABELS, generator, [0.5, 0.25, 0.25])
        sir = float(uniform((), *sir_db, generator)) if label != LABELS[NONE] else float("nan")
        segments.append(Segment(start, length, label, sir))
        start += length
    return segments


def _receive(sent, lead_in, segment, sample_rate, snr_db, antennas, frontend, generator) -> torch.Tensor:
    """One segment at the receiver: complex64 [ports, lead_in + n] -> [antennas, n]; LTE alone lies at LEVEL_DBFS."""
    rate = torch.tensor([sample_rate])
    lte = fading(sent[None], antennas, rate, generator)[..., lead_in:]
    reference = lte.abs().square().mean()
    received = lte + (reference * 10 ** (-snr_db / 10)).sqrt() * complex_normal(lte.shape, generator)
    if segment.label != LABELS[NONE]:
        label = torch.tensor([LABELS.index(segment.label)])
        interference = faded_interference(label, antennas, lte.shape[-1], rate, generator, lead_in)
        received += (reference * 10 ** (-segment.sir_db / 10)).sqrt() * interference
    # the front end sets a level per call: asked for so that the gain, not the level, is the same in every segment
    frontend.level_dbfs[:] = LEVEL_DBFS + 10 * torch.log10(received.abs().square().mean() / reference)
    return apply_frontend(received, frontend, rate, generator)[0]
