# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic windows in the manner of RadioML 2016.10a: eleven modulations at 200 kHz behind its channel, at 20 SNRs.

Nothing here was received, and nothing is the owners' own. What their paper and generator state is kept (T. O'Shea and
N. West, "Radio Machine Learning Dataset Generation with GNU Radio", GNU Radio Conference 2016): 8 samples a symbol,
root-raised-cosine pulses of roll-off 0.35; GFSK of BT 0.35 and index 0.25, CPFSK of index 0.5; speech for the analogue
ones, all of it with the pre-emphasis of 75 us that FM has, whose deviation is 75 kHz; a clock up to 50 Hz off, a
carrier up to 500 Hz off, three paths at 0, 0.9 and 1.7 samples with magnitudes 1, 0.8 and 0.3, each with a Rice factor
of 4, and white noise; frames over the sum of their magnitudes. Different are, the first and the last as in RML22
(Sathyanarayanan, Gerstoft and El Gamal, IEEE Transactions on Wireless Communications 22, 2023):

- the SNR is that of powers in the whole band; theirs is of amplitudes, which makes 2x dB of what is called x dB. As in
  both sets it is of what is sent: the paths add 2.4 dB in the mean.
- AM-SSB has an upper side band; theirs is multiplied by sin 0, so that noise alone is left.
- each window has a channel, a clock and a carrier of its own, evenly over the whole range; theirs walk from 0.

`Transmitters(published=True)` has the first two as they are in RadioML 2016.10a, to stand beside figures of that.

The Doppler of 1 Hz turns nothing in a window. Speech is that of `wfm_core.synth.signals.speaking`, to 4 kHz, with its
pauses: there AM-DSB and WBFM are the same carrier.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch
from scipy import signal as dsp
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.synth.draws import complex_normal, uniform
from wfm_core.synth.modulation import linear_stream, random_signs
from wfm_core.synth.shaping import (
    cpfsk_cycles,
    gaussian_phase_pulse,
    rectangular_phase_pulse,
    root_raised_cosine_pulse,
    unit_tone,
)
from wfm_core.synth.signals.speaking import RATE as SPEECH_RATE
from wfm_core.synth.signals.speaking import spoken

LABELS = ("8PSK", "AM-DSB", "AM-SSB", "BPSK", "CPFSK", "GFSK", "PAM4", "QAM16", "QAM64", "QPSK", "WBFM")
"""Those of RadioML 2016.10a and RML22, in the order of the WavesFM v1 authors."""
SNR_DB = tuple(range(-20, 20, 2))
SAMPLES = 128
SAMPLE_RATE = 200e3
SYMBOL_SAMPLES = 8

_LINEAR = {"8PSK": "8psk", "BPSK": "bpsk", "PAM4": "pam4", "QAM16": "16qam", "QAM64": "64qam", "QPSK": "qpsk"}
_ROLLOFF = 0.35
_CLOCK = 50 / SAMPLE_RATE
_CARRIER = 500 / SAMPLE_RATE
_DELAYS, _MAGNITUDES, _RICE = (0.0, 0.9, 1.7), (1.0, 0.8, 0.3), 4.0
_EDGE = 16
"""Samples to either side of a window that the delays of its channel, which are circular, may spoil."""
_PULSE_SYMBOLS = 14
"""Between two windows of one stream of symbols: none is in both."""
_SPEAKERS, _SPEECH_SECONDS = 12, 3
_DEVIATION, _PRE_EMPHASIS = 75e3, 75e-6


class Transmitters:
    """What sends the eleven: symbols that are always new, and half a minute of speech of twelve speakers. `published`:
    x dB are 2x dB, and AM-SSB is noise alone."""

    def __init__(self, generator: torch.Generator, published: bool = False):
        self.generator, self.published = generator, published
        self._random = np.random.default_rng(int(torch.randint(1 << 31, (), generator=generator)))

    def draw(self, label: Tensor, snr_db: Tensor, samples: int = SAMPLES) -> Tensor:
        """complex64 [B, 1, samples] of the classes `label` int64 [B], at SNRs [B]. Raises `WfmError`."""
        return drawn(self.sent, LABELS, label, snr_db * (2 if self.published else 1), samples, self.generator)

    def sent(self, name: str, count: int, samples: int) -> Tensor:
        """complex64 [count, samples] of mean power 1 over all that this class may send."""
        if name in _LINEAR:
            pulse = root_raised_cosine_pulse(_ROLLOFF, "cpu")
            return linear_stream(_LINEAR[name], self._clocks(count, samples), pulse, self.generator).view(count, -1)
        if name in ("GFSK", "CPFSK"):
            index = 0.25 if name == "GFSK" else 0.5
            pulse = gaussian_phase_pulse(_ROLLOFF, "cpu") if name == "GFSK" else rectangular_phase_pulse("cpu")
            position = self._clocks(count, samples)
            bits = random_signs(pulse.length(position), self.generator)
            return unit_tone(cpfsk_cycles(bits, position, index, pulse)).view(count, -1)
        if name == "AM-SSB" and self.published:
            return torch.zeros(count, samples, dtype=torch.complex64)
        place = torch.randint(len(self._speech) - samples, (count,), generator=self.generator)
        spoken_parts = torch.from_numpy({"AM-SSB": self._side_band}.get(name, self._speech))
        parts = spoken_parts[place[:, None] + torch.arange(samples)]
        if name == "WBFM":
            return unit_tone((_DEVIATION / SAMPLE_RATE * parts.double()).cumsum(1))
        return parts if name == "AM-SSB" else ((1 + parts) / self._am_level).to(torch.complex64)

    def _clocks(self, count: int, samples: int) -> Tensor:
        """Time in symbols, float64 [count * samples]: windows far apart on one stream, each with a clock of its own."""
        apart = int(samples * (1 + _CLOCK) / SYMBOL_SAMPLES) + 2 + _PULSE_SYMBOLS
        rate = (1 + uniform((count, 1), -_CLOCK, _CLOCK, self.generator).double()) / SYMBOL_SAMPLES
        begin = apart * torch.arange(count)[:, None] + uniform((count, 1), 0, 1, self.generator).double()
        return (begin + rate * torch.arange(samples)).flatten()

    @cached_property
    def _speech(self) -> np.ndarray:
        """float32 [n] at SAMPLE_RATE, pre-emphasised, each speaker at most 1."""
        return np.concatenate([self._speaker() for _ in range(_SPEAKERS)]).astype(np.float32)

    def _speaker(self) -> np.ndarray:
        said = spoken(_SPEECH_SECONDS * SPEECH_RATE, self._random)
        said = dsp.resample_poly(said, int(SAMPLE_RATE // SPEECH_RATE), 1)
        said = said + _PRE_EMPHASIS * SAMPLE_RATE * np.diff(said, append=said[-1])
        return said / np.abs(said).max()

    @cached_property
    def _side_band(self) -> np.ndarray:
        """complex64 [n] of mean power 1: the upper side band alone."""
        upper = dsp.hilbert(self._speech)
        return (upper / np.sqrt(np.mean(np.abs(upper) ** 2))).astype(np.complex64)

    @cached_property
    def _am_level(self) -> float:
        return float(np.sqrt(np.mean((1 + self._speech.astype(np.float64)) ** 2)))


def drawn(
    sent: Callable[[str, int, int], Tensor],
    names: Sequence[str],
    label: Tensor,
    snr_db: Tensor,
    samples: int,
    generator: torch.Generator,
) -> Tensor:
    """complex64 [B, 1, samples] of what `sent(name, count, samples)` gives of the names `label` int64 [B] stands for,
    received at SNRs [B]. Raises `WfmError`."""
    if samples < 1 or label.shape != snr_db.shape or label.dim() != 1:
        raise WfmError(
            f"{samples} samples, labels {list(label.shape)}, SNRs {list(snr_db.shape)}: one or more samples, and "
            "one label and one SNR a window, are expected"
        )
    x = torch.empty(len(label), samples + 2 * _EDGE, dtype=torch.complex64)
    for number, name in enumerate(names):
        rows = (label == number).nonzero().flatten()
        if len(rows):
            x[rows] = sent(name, len(rows), samples + 2 * _EDGE)
    x = through_paths(x, generator)[:, _EDGE : _EDGE + samples]
    x = x + 10 ** (-snr_db[:, None] / 20) * complex_normal(x.shape, generator)
    return (x / x.abs().sum(1, keepdim=True))[:, None]


def through_paths(sent: Tensor, generator: torch.Generator) -> Tensor:
    """complex64 [B, n] through three paths, and off the centre; the ends are spoilt."""
    count, samples = sent.shape
    direct = unit_tone(uniform((count, 3), 0, 1, generator).double())
    gains = (_RICE**0.5 * direct + complex_normal((count, 3), generator)) / (1 + _RICE) ** 0.5
    gains = gains * torch.tensor(_MAGNITUDES)
    turns = -torch.tensor(_DELAYS, dtype=torch.float64)[:, None] * torch.fft.fftfreq(samples, dtype=torch.float64)
    x = torch.fft.ifft(torch.fft.fft(sent) * (gains @ unit_tone(turns)))
    offset = uniform((count, 1), -_CARRIER, _CARRIER, generator).double()
    return x * unit_tone(offset * torch.arange(samples))


def in_turn(classes: int, count: int) -> tuple[Tensor, Tensor]:
    """Labels int64 [count] and SNRs float32 [count] of all classes at all of SNR_DB in turn."""
    number = torch.arange(count)
    return number % classes, torch.tensor(SNR_DB, dtype=torch.float32)[number // classes % len(SNR_DB)]
