# SPDX-License-Identifier: GPL-3.0-or-later
"""Analog voice and music: stereo FM broadcast, narrow-band FM, and AM with carrier."""

import torch

from wfm_core.synth.draws import uniform
from wfm_core.synth.emitters.emission import Emission
from wfm_core.synth.modulation import message
from wfm_core.synth.shaping import unit_power, unit_tone

RATES = (0.25e6, 30.72e6)
AM_RATES = (0.25e6, 2.4e6)

DEVIATION = 75e3
"""Hz, peak, of broadcast FM (ITU-R BS.450-4)."""

PILOT = 19e3
_PILOT_SHARE = 0.09  # of the deviation: 8 to 10 % (ITU-R BS.450-4, section 2.2)
_MUSIC = 15e3
_NARROW_LIMIT = 2.4e6  # Hz: narrow-band FM is lost in a wider band


def fm(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """Broadcast FM, or at sample rates up to 2.4 MHz as often narrow-band FM of 2.5 to 5 kHz deviation."""
    narrow, loudness, phase, audio, swing = uniform((5,), 0, 1, generator).tolist()
    if narrow < 0.5 and sample_rate <= _NARROW_LIMIT:
        cutoff, deviation = 3e3 + 1e3 * audio, 2.5e3 + 2.5e3 * swing
        frequency = deviation * message(samples, 0.5 * sample_rate / cutoff, generator)[0]
        bandwidth = 2 * (deviation + cutoff)
    else:
        frequency = DEVIATION * stereo_multiplex(samples, sample_rate, 0.3 + 0.7 * loudness, generator)
        bandwidth = 2 * (DEVIATION + _MUSIC)
    cycles = (frequency.double() / sample_rate).cumsum(0) + phase
    return Emission(unit_power(unit_tone(cycles)), bandwidth)


def stereo_multiplex(samples: int, sample_rate: float, loudness: float, generator: torch.Generator) -> torch.Tensor:
    """float32 [samples] in -1..1: (L+R)/2, pilot tone, (L-R)/2 on the pilot's suppressed second harmonic."""
    both, difference = message(samples, 0.5 * sample_rate / _MUSIC, generator, channels=2)
    pilot = torch.arange(samples, device=generator.device, dtype=torch.float64) * (PILOT / sample_rate)
    pilot = unit_tone(pilot + uniform((1,), 0, 1, generator))
    # sin 2a = 2 sin a cos a: in phase with the pilot, as receivers expect it.
    carrier = 2 * pilot.real * pilot.imag
    audio = 0.5 * loudness * (both + difference * carrier)
    return (1 - _PILOT_SHARE) * audio + _PILOT_SHARE * pilot.imag


def am(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """Double side band with carrier: modulation depth 0.3 to 0.9, audio up to 3 to 10 kHz."""
    depth, audio, phase = uniform((3,), 0, 1, generator).tolist()
    cutoff = 3e3 + 7e3 * audio
    envelope = 1 + (0.3 + 0.6 * depth) * message(samples, 0.5 * sample_rate / cutoff, generator)[0]
    carrier = unit_tone(torch.tensor([phase], device=generator.device))
    return Emission(unit_power(envelope * carrier), 2 * cutoff)
