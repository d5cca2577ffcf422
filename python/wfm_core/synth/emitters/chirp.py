# SPDX-License-Identifier: GPL-3.0-or-later
"""Linear frequency sweeps as of radars: pulses with pauses, sawtooth and triangular continuous waves."""

import torch

from wfm_core.synth.draws import uniform
from wfm_core.synth.emitters.emission import Emission
from wfm_core.synth.shaping import unit_power, unit_tone

RATES = (0.25e6, 61.44e6)

_PULSED, _TRIANGULAR = 0.5, 0.75
_SWEEP = (64.0, 8192.0)  # samples
_WIDTH = (0.02, 0.8)  # of the sample rate
_LONGEST_PERIOD = 8.0  # sweeps


def chirp(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """Sweeps of 64 to 8192 samples over 0.02 to 0.8 of the sample rate, up or down; half of them are pulsed."""
    form, length, width, pause, place, way, phase = uniform((7,), 0, 1, generator).tolist()
    sweep = _SWEEP[0] * (_SWEEP[1] / _SWEEP[0]) ** length
    width = _WIDTH[0] * (_WIDTH[1] / _WIDTH[0]) ** width
    pulsed, triangular = form < _PULSED, form > _TRIANGULAR
    period = sweep * (1.2 + (_LONGEST_PERIOD - 1.2) * pause if pulsed else 1.0 + triangular)

    # From the window's end just inside a pulse to its start just inside one, so that it never holds less than an
    # eighth of itself, or a whole pulse.
    lead = min(period - sweep, 0.875 * samples)
    begin = -lead + place * (lead + (sweep - min(sweep, samples) / 8 if pulsed else sweep))
    time = torch.arange(samples, device=generator.device, dtype=torch.float64) + begin
    within = time - (time / period).floor() * period
    on = within < sweep if pulsed else torch.ones_like(within, dtype=torch.bool)
    cycles = sweep_cycles(within, sweep, width)
    if triangular:
        back = 2 * sweep - within
        # The way back is the way there in reverse: same frequencies, and the phase goes on from the turning point.
        cycles = torch.where(within < sweep, cycles, -sweep_cycles(back, sweep, width))
    x = unit_tone((1.0 if way < 0.5 else -1.0) * cycles + phase) * on
    # A short sweep is wider than what it sweeps over, by a pulse's own width.
    return Emission(unit_power(x), min(width + 2 / sweep, 1.0) * sample_rate)


def sweep_cycles(time: torch.Tensor, sweep: float, width: float) -> torch.Tensor:
    """Phase in cycles at `time` samples of a sweep from -width/2 to width/2 cycles per sample; 0 at both ends."""
    return 0.5 * width * time * (time / sweep - 1)
