# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic windows in the manner of RadarCommDataset: nine radar and communication waveforms, each with two labels.

Nothing here was received, and nothing is the owners' own. Theirs are the names, six modulations and eight kinds of
signals that make nine waveforms, 128 samples at 10 MS/s, SNRs of -20 to 18 dB and a channel as that of RadioML (A. and
J. Jagannath, IEEE ICC 2021), which is `wfm_core.synth.radioml` here. What they do not state is chosen here: pulses and
pauses of the four pulsed radars, sweeps of the altimeter, 4 to 16 samples a symbol. Voice is that of a window at 200
kHz, as 12.8 us of speech are a carrier.
"""

import torch
from torch import Tensor

from wfm_core.synth.draws import uniform
from wfm_core.synth.modulation import modulated
from wfm_core.synth.radioml import SAMPLES, Transmitters, drawn
from wfm_core.synth.shaping import unit_tone

WAVEFORMS = (
    ("AM-DSB", "AM radio"), ("AM-SSB", "AM radio"), ("ASK", "short-range"), ("BPSK", "SATCOM"),
    ("FMCW", "Radar-Altimeter"), ("PULSED", "Air-Ground-MTI"), ("PULSED", "Airborne-detection"),
    ("PULSED", "Airborne-range"), ("PULSED", "Ground mapping"),
)  # fmt: skip
"""Modulation and kind of signal."""
SAMPLE_RATE = 10e6

_NAMES = tuple(" ".join(names) for names in WAVEFORMS)
_PULSES = {
    "Air-Ground-MTI": (8, 32),
    "Airborne-detection": (16, 80),
    "Airborne-range": (24, 48),
    "Ground mapping": (4, 24),
}
"""Samples of a pulse, and from one to the next; each radar is up to 10 % off."""
_TOLERANCE = 0.1
_SYMBOL_SAMPLES = (4.0, 16.0)
_SWEEP = (0.1, 0.4)
"""Of the rate, up and down again in a window's time or two."""


class Radars:
    """What sends the nine."""

    def __init__(self, generator: torch.Generator):
        self.generator, self._voice = generator, Transmitters(generator)

    def draw(self, label: Tensor, snr_db: Tensor, samples: int = SAMPLES) -> Tensor:
        """complex64 [B, 1, samples] of WAVEFORMS by their numbers int64 [B], at SNRs [B]. Raises `WfmError`."""
        return drawn(self.sent, _NAMES, label, snr_db, samples, self.generator)

    def sent(self, name: str, count: int, samples: int) -> Tensor:
        """complex64 [count, samples] of mean power 1 of the waveform `name`: modulation and kind of signal."""
        modulation, _, kind = name.partition(" ")
        if modulation.startswith("AM"):
            return self._voice.sent(modulation, count, samples)
        if modulation == "PULSED":
            return self._pulses(*_PULSES[kind], count, samples)
        if modulation == "FMCW":
            return self._sweeps(count, samples)
        lengths = uniform((count,), *_SYMBOL_SAMPLES, self.generator).tolist()
        name = "ook" if modulation == "ASK" else "bpsk"
        return torch.stack([modulated(name, samples, length, self.generator) for length in lengths])

    def _pulses(self, length: int, interval: int, count: int, samples: int) -> Tensor:
        off = 1 + uniform((2, count, 1), -_TOLERANCE, _TOLERANCE, self.generator)
        begin = uniform((count, 1), 0, 1, self.generator)
        place = (torch.arange(samples) / (interval * off[0]) + begin) % 1.0
        on = (place * interval * off[0] < length * off[1]).float()
        phase = unit_tone(uniform((count, 1), 0, 1, self.generator).double())
        return on * phase * (interval / length) ** 0.5

    def _sweeps(self, count: int, samples: int) -> Tensor:
        width = uniform((count, 1), *_SWEEP, self.generator)
        place = torch.arange(samples) / (samples * uniform((count, 1), 1, 2, self.generator))
        triangle = 2 * ((place + uniform((count, 1), 0, 1, self.generator)) % 1.0 - 0.5).abs()
        return unit_tone((width * (triangle - 0.5)).double().cumsum(1))
