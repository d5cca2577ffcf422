# SPDX-License-Identifier: GPL-3.0-or-later
"""Single-carrier PSK and QAM links of any symbol rate, continuous or in bursts."""

import torch

from wfm_core.synth.draws import choice, uniform
from wfm_core.synth.emitters.bursts import burst_timeline
from wfm_core.synth.emitters.emission import Emission
from wfm_core.synth.modulation import random_symbols
from wfm_core.synth.shaping import interpolated, root_raised_cosine_pulse, symbol_clock, unit_power, unit_tone

RATES = (0.25e6, 61.44e6)

_KINDS = ("bpsk", "qpsk", "8psk", "16qam", "64qam")
_BURSTY = 0.4
_FRAME = (16, 1024)  # symbols
_PAUSE = (16, 512)


def psk_qam(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """A random linear modulation at 1/100 to 1/2 of the sample rate, root-raised-cosine shaped, roll-off 0.2 to 0.5."""
    bursty, speed, rolloff, phase = uniform((4,), 0, 1, generator).tolist()
    samples_per_symbol = 2.0 * 50.0**speed
    pulse = root_raised_cosine_pulse(0.2 + 0.3 * rolloff, generator.device)
    position = symbol_clock(samples, samples_per_symbol, generator)
    symbols = random_symbols(choice(_KINDS, generator), pulse.length(position), generator)
    if bursty < _BURSTY:
        # The tails of a burst's first and last pulses stay: they are what keeps its spectrum narrow.
        line = burst_timeline(len(symbols), _FRAME, _PAUSE, generator, pulse=pulse)
        symbols = symbols * line.on
    x = interpolated(symbols, position, pulse) * unit_tone(torch.tensor([phase], device=generator.device))
    return Emission(unit_power(x), (1.2 + 0.3 * rolloff) / samples_per_symbol * sample_rate)
