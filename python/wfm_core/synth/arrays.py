# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic plane waves over a row of antennas, with the flaws of receivers: what direction finding is trained on.

Nothing here was received. The model, in baseband and narrowband (a wave crosses the row in far less than the inverse
of its bandwidth, so the antennas differ by phases alone):

    x_n(t) = g_n exp(j phi_n) sum_p c_p s(t - tau_p) exp(j 2 pi d n sin(theta_p)) + noise,   n = 0 .. A - 1

s is a signal of any of `MODULATIONS` and bandwidths at any place in the band; path 0 is the direct one (c = 1, tau =
0), whose theta is asked for: 0 degrees is straight ahead, positive towards the last antenna, which then leads. Gain and
phase errors of each channel are drawn uniformly within a window's share of `GAIN_ERROR` and `PHASE_ERROR`, about what
networks were tried with by Liu, Zhang and Yu (Direction-of-arrival estimation based on deep neural networks with
robustness to array imperfections, IEEE Trans. Antennas Propag. 66 (12), 2018). Reflections come from anywhere, up to
`LONGEST_DELAY` later and `REFLECTION_DB` weaker. A row of antennas cannot tell front from back.

One array that is kept (`draw_array`) has the same errors in all windows, and its antennas couple: what one of them
hears goes over to those beside it, as in the same paper. In the place of g_n exp(j phi_n) there is a matrix then.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.synth.draws import choice, complex_normal, log_uniform, uniform
from wfm_core.synth.modulation import MODULATIONS, modulated
from wfm_core.synth.shaping import unit_tone

SPACING = 0.5
"""Of neighbours, in wavelengths."""
GAIN_ERROR = 0.2
"""Gains of channels differ from 1 by at most so much."""
PHASE_ERROR = 30.0
"""Degrees by which phases of channels differ from none at most."""
REFLECTION_DB = (-20.0, -3.0)
"""Of a reflection, below the direct path."""
COUPLING = 0.3
"""Of neighbours, in amplitude, at most."""
LONGEST_DELAY = 8.0
"""Samples by which a reflection comes later at most; from a hundredth of a sample on."""
SYMBOL_SAMPLES = (1.6, 40.0)
_LEAD_IN = 32
"""Samples before a window that reflections come from."""


@dataclass(frozen=True)
class Arrivals:
    """How windows arrive: ranges that each is drawn from, uniformly. `widest` in degrees from straight ahead, `errors`
    a share of the largest gain and phase errors, at most so many `reflections`."""

    antennas: int = 4
    spacing: float = SPACING
    widest: float = 90.0
    snr_db: tuple[float, float] = (-10.0, 30.0)
    errors: tuple[float, float] = (0.0, 1.0)
    reflections: int = 3

    def __post_init__(self):
        if self.antennas < 2 or not 0 < self.widest <= 90 or not 0 < self.spacing <= 0.5:
            raise WfmError(
                f"{self.antennas} antennas {self.spacing:g} wavelengths apart, up to {self.widest:g} degrees; expected "
                "2 or more at 0 to 0.5, and 0 to 90 degrees: farther apart two directions look alike"
            )


@dataclass(frozen=True, eq=False)
class Bearings:
    """Windows `iq` complex64 [B, A, T] from `angle` float32 [B] in degrees, at `snr_db` [B] in the whole band, of the
    direct path on one antenna; with the share `errors` [B] and so many `reflections` int64 [B]."""

    iq: Tensor
    angle: Tensor
    snr_db: Tensor
    errors: Tensor
    reflections: Tensor


def steering(angle: Tensor, antennas: int, spacing: float = SPACING) -> Tensor:
    """Directions [...] in degrees -> complex64 [..., antennas]: a plane wave at each antenna, 1 at the first."""
    turns = spacing * torch.sin(torch.deg2rad(angle.double()))[..., None] * torch.arange(antennas, device=angle.device)
    return unit_tone(turns)


def draw_array(antennas: int, gain: float, phase: float, coupling: float, generator: torch.Generator) -> Tensor:
    """complex64 [antennas, antennas]: what the channels of one array make of the waves at its antennas.

    Gains are off by up to `gain`, phases by `phase` degrees, uniformly; antennas n apart hear c ** n of each other,
    where c has the amplitude `coupling` and any phase.
    """
    own = 1 + gain * uniform((antennas,), -1, 1, generator)
    own = own * unit_tone(phase / 360 * uniform((antennas,), -1, 1, generator).double())
    place = torch.arange(antennas, device=generator.device)
    apart = (place[:, None] - place).abs()
    both = coupling**apart * unit_tone(apart * uniform((), 0, 1, generator).double())
    return (own[:, None] * both).to(torch.complex64)


def draw_signals(count: int, samples: int, generator: torch.Generator) -> Tensor:
    """complex64 [count, samples + lead-in] of mean power 1, for `draw_bearings` with windows of `samples`."""
    signals = []
    for length in log_uniform((count,), *SYMBOL_SAMPLES, generator).tolist():
        sent = modulated(choice(MODULATIONS, generator), samples + _LEAD_IN, length, generator)
        room = max(0.0, 0.5 - 0.7 / length)
        cycles = uniform((), -room, room, generator).double() * torch.arange(len(sent), device=generator.device)
        signals.append(sent * unit_tone(cycles))
    return torch.stack(signals)


def draw_bearings(
    signals: Tensor, count: int, how: Arrivals, generator: torch.Generator, array: Tensor | None = None
) -> Bearings:
    """`count` windows, each of any of the `signals` (of `draw_signals`); all through the same `array` [A, A] (of
    `draw_array`), or each through channels of its own."""
    sent = signals[torch.randint(len(signals), (count,), generator=generator, device=generator.device)]
    angle = uniform((count,), -how.widest, how.widest, generator)
    reflections = torch.randint(how.reflections + 1, (count,), generator=generator, device=generator.device)
    x = _arriving(sent, angle, reflections, how, generator)
    errors = uniform((count,), *how.errors, generator)
    x = x * _channels(errors, how.antennas, generator)[:, :, None] if array is None else array @ x
    snr_db = uniform((count,), *how.snr_db, generator)
    noise = complex_normal(x.shape, generator) * 10 ** (-snr_db / 20)[:, None, None]
    return Bearings(x + noise, angle, snr_db, errors, reflections)


def _channels(errors: Tensor, antennas: int, generator: torch.Generator) -> Tensor:
    """complex64 [B, A]: gains and phases of the receiver's channels."""
    gain = 1 + GAIN_ERROR * errors[:, None] * uniform((len(errors), antennas), -1, 1, generator)
    phase = PHASE_ERROR / 360 * errors[:, None] * uniform((len(errors), antennas), -1, 1, generator)
    return gain * unit_tone(phase.double())


def _arriving(sent: Tensor, angle: Tensor, reflections: Tensor, how: Arrivals, generator: torch.Generator) -> Tensor:
    """[B, A, T]: all paths of each signal [B, lead-in + T]."""
    count, most = len(sent), how.reflections
    angles = torch.cat([angle[:, None], uniform((count, most), -90, 90, generator)], 1)
    delay = log_uniform((count, most), 0.01, LONGEST_DELAY, generator)
    level = 10 ** (uniform((count, most), *REFLECTION_DB, generator) / 20)
    level = level * (torch.arange(most, device=sent.device) < reflections[:, None])
    phase = uniform((count, most), 0, 1, generator).double()
    first = torch.ones(count, 1, dtype=torch.complex64, device=sent.device)
    weights = torch.cat([first, level * unit_tone(phase)], 1)
    delay = torch.cat([torch.zeros(count, 1, device=sent.device), delay], 1)
    bins = torch.fft.fftfreq(sent.size(1), device=sent.device).double()
    # delays are circular, and what comes round lies in the lead-in
    ways = unit_tone(-delay[:, :, None].double() * bins) * weights[:, :, None]
    over = torch.einsum("bpa,bpf->baf", steering(angles, how.antennas, how.spacing), ways)
    return torch.fft.ifft(over * torch.fft.fft(sent)[:, None])[..., _LEAD_IN:].to(torch.complex64)
