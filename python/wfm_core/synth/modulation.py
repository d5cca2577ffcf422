# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten modulations with random data: what the modulation task tells apart, and what the emitters are built from."""

from functools import lru_cache

import torch
import torch.nn.functional as F

from wfm_core.base.errors import WfmError
from wfm_core.synth.draws import uniform
from wfm_core.synth.shaping import (
    Pulse,
    cpfsk_cycles,
    gaussian_phase_pulse,
    interpolated,
    root_raised_cosine_pulse,
    symbol_clock,
    unit_power,
    unit_tone,
)

LINEAR = ("bpsk", "qpsk", "8psk", "16qam", "64qam", "ook")
MODULATIONS = ("bpsk", "qpsk", "8psk", "16qam", "64qam", "gfsk", "ook", "am", "fm", "css")

_AUDIO_TILT = 0.7  # of one message sample carried into the next: speech and music are strongest at low pitch
_AUDIO_RMS = 0.35
_WIDEST_FM = 0.8  # Carson bandwidth over the sample rate


def modulated(name: str, samples: int, samples_per_symbol: float, generator: torch.Generator) -> torch.Tensor:
    """complex64 [samples] of unit mean power with random data or message, carrier phase and timing.

    samples_per_symbol > 1, any real number. Linear modulations are root-raised-cosine shaped (roll-off 0.2 to 0.5);
    gfsk: BT 0.3 to 0.7, index 0.3 to 1; am (depth 0.3 to 0.9) and fm (peak deviation 0.5 to 2 message bandwidths,
    less where the band is too narrow): the message's two-sided bandwidth is 1 / samples_per_symbol of the sample
    rate; css: chirps of 16 to 128 chips as LoRa's, swept over 1 / samples_per_symbol of the sample rate.
    """
    if name not in MODULATIONS:
        raise WfmError(f"Modulation '{name}' is not known, want one of {', '.join(MODULATIONS)}: choose one of them.")
    if samples < 1 or not samples_per_symbol > 1:
        raise WfmError(
            f"modulated got {samples} samples at {samples_per_symbol:g} samples per symbol, want at least 1 sample "
            "and more than 1 sample per symbol: raise them."
        )
    if name in LINEAR:
        x = linear(name, samples, samples_per_symbol, float(uniform((), 0.2, 0.5, generator)), generator)
    else:
        x = _OTHERS[name](samples, samples_per_symbol, generator)
    return unit_power(x * unit_tone(uniform((1,), 0, 1, generator)))


def linear(
    name: str, samples: int, samples_per_symbol: float, rolloff: float, generator: torch.Generator
) -> torch.Tensor:
    """complex64 [samples]: random points of the constellation, root-raised-cosine shaped, of mean power 1 or near."""
    pulse = root_raised_cosine_pulse(rolloff, generator.device)
    return linear_stream(name, symbol_clock(samples, samples_per_symbol, generator), pulse, generator)


def linear_stream(name: str, position: torch.Tensor, pulse: Pulse, generator: torch.Generator) -> torch.Tensor:
    """complex64 [n]: random points of the constellation through `pulse`, at ascending times float64 [n] in symbols."""
    return interpolated(random_symbols(name, pulse.length(position), generator), position, pulse)


def random_symbols(name: str, count: int, generator: torch.Generator) -> torch.Tensor:
    """complex64 [count], uniform over the points of a LINEAR modulation or of pam4."""
    points = constellation(name, generator.device)
    return points[torch.randint(len(points), (count,), generator=generator, device=generator.device)]


def random_signs(count: int, generator: torch.Generator) -> torch.Tensor:
    """float32 [count] of +-1."""
    return torch.randint(2, (count,), generator=generator, device=generator.device) * 2.0 - 1.0


@lru_cache
def constellation(name: str, device: torch.device) -> torch.Tensor:
    """complex64 [points] of a LINEAR modulation or of pam4, mean power 1 (Proakis, Digital Communications, ch. 3)."""
    if name == "ook":
        points = torch.tensor([0.0, 1.0]).to(torch.complex64)
    elif name == "pam4":
        points = torch.tensor([-3.0, -1.0, 1.0, 3.0]).to(torch.complex64)
    elif name.endswith("qam"):
        points = qam(int(name.removesuffix("qam")).bit_length() - 1)
    else:
        order = {"bpsk": 2, "qpsk": 4, "8psk": 8}[name]
        points = torch.polar(torch.ones(order), torch.arange(order) * (2 * torch.pi / order))
    return (points / points.abs().square().mean().sqrt()).to(device)


@lru_cache
def qam(bits: int) -> torch.Tensor:
    """The square constellation of 2, 4, 6 or 8 bits (mean power 1), complex64 [2 ** bits]."""
    side = 2 ** (bits // 2)
    levels = torch.arange(side, dtype=torch.float32) * 2 - (side - 1)
    levels = levels / (2 * (side**2 - 1) / 3) ** 0.5
    return torch.complex(*torch.meshgrid(levels, levels, indexing="ij")).flatten()


def message(samples: int, samples_per_value: float, generator: torch.Generator, channels: int = 1) -> torch.Tensor:
    """float32 [channels (1 or 2), samples] in -1..1: noise with the falling spectrum of speech or music.

    Its bandwidth is 0.5 / samples_per_value of the sample rate (edges 10 % of that outside).
    """
    pulse = root_raised_cosine_pulse(0.1, generator.device)
    position = symbol_clock(samples, samples_per_value, generator)
    tail = torch.arange(16, 0, -1, device=generator.device) - 1
    kernel = _AUDIO_TILT**tail
    count = pulse.length(position) + len(kernel) - 1
    values = torch.randn(channels, 1, count, generator=generator, device=generator.device)
    values = F.conv1d(values, (kernel / kernel.norm())[None, None])[:, 0]
    values = torch.complex(values[0], values[-1])
    parts = torch.view_as_real(interpolated(values, position, pulse)).T[:channels]
    # Broadcasters limit their peaks softly.
    return torch.tanh(_AUDIO_RMS * parts)


def chirp_cycles(symbol: torch.Tensor, chip: torch.Tensor, chips: int) -> torch.Tensor:
    """Phase in cycles, float64 [n], of a LoRa up-chirp at `chip` (0..chips) of its `chips` = 2^SF chips.

    symbol: [n] in 0..chips-1; the frequency starts at symbol / chips of the sweep, rises over one sweep of 1 cycle per
    chip, and folds back from the upper edge to the lower one. Whole symbols are whole cycles, so that consecutive
    symbols join without a jump of phase (Vangelista, "Frequency Shift Chirp Modulation", IEEE SPL 2017).
    """
    folded = (chip + symbol - chips).clamp(min=0)
    return chip * (0.5 * chip + symbol) / chips - 0.5 * chip - folded


def _gfsk(samples, samples_per_symbol, generator):
    index, bandwidth_time = uniform((2,), 0, 1, generator).tolist()
    pulse = gaussian_phase_pulse(round(0.3 + 0.4 * bandwidth_time, 1), generator.device)
    position = symbol_clock(samples, samples_per_symbol, generator)
    bits = random_signs(pulse.length(position), generator)
    return unit_tone(cpfsk_cycles(bits, position, 0.3 + 0.7 * index, pulse))


def _am(samples, samples_per_symbol, generator):
    depth = float(uniform((), 0.3, 0.9, generator))
    envelope = 1 + depth * message(samples, samples_per_symbol, generator)[0]
    return envelope.to(torch.complex64)


def _fm(samples, samples_per_symbol, generator):
    bandwidth = 0.5 / samples_per_symbol
    ratio = min(float(uniform((), 0.5, 2.0, generator)), max(0.5 * _WIDEST_FM / bandwidth - 1, 0.1))
    frequency = 2 * ratio * bandwidth * message(samples, samples_per_symbol, generator)[0]
    return unit_tone(frequency.double().cumsum(0))


def _css(samples, samples_per_symbol, generator):
    chips = 16 << int(torch.randint(4, (), generator=generator, device=generator.device))
    position = symbol_clock(samples, chips * samples_per_symbol, generator)
    values = torch.randint(chips, (int(position[-1]) + 1,), generator=generator, device=generator.device)
    whole = position.floor()
    return unit_tone(chirp_cycles(values[whole.long()], (position - whole) * chips, chips))


_OTHERS = {"gfsk": _gfsk, "am": _am, "fm": _fm, "css": _css}
