# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real receiver does to samples: one small function per ingredient, batched, and a chain of them all.

Samples are complex64 [B, A, n]; a parameter is a tensor [B] (one value per window), [B, A] (per antenna) or a
number. dBc is relative to the mean power of each window and antenna; dBFS to a complex sample of modulus 1.
"""

import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.channel.frontend import Frontend, random_frontend
from wfm_core.synth.channel.resample import raised_cosine_edge
from wfm_core.synth.draws import complex_normal

__all__ = ["LONGEST_CLOCKED", "Frontend", "apply_frontend", "random_frontend"]

LONGEST_CLOCKED = 8192
"""Samples over which a wrong sampling clock of random_frontend() can be modelled; set clock_ppm to 0 for more."""


def apply_frontend(x, frontend, sample_rate, generator):
    """complex64 [B, A, n] at the antennas to what the driver delivers, full scale 1.

    frontend: Frontend of B windows; sample_rate: Hz, number or [B]. In the order of a direct-conversion
    receiver: local oscillator, mixer imbalance and DC, filters, spurs, sampling clock, gain, converter.
    """
    x = carrier_offset(x, frontend.carrier_offset, sample_rate)
    x = phase_noise(x, frontend.linewidth, sample_rate, generator)
    x = sampling_clock_offset(x, frontend.clock_ppm)
    x = receive_filter(x, frontend.passband, frontend.stopband_db)
    x = iq_imbalance(x, frontend.iq_gain_db, frontend.iq_phase_deg)
    x = dc_offset(x, frontend.dc_dbc, frontend.dc_phase)
    x = spur(x, frontend.spur_frequency, frontend.spur_dbc)
    x = antenna_gain(x, frontend.antenna_gain_db)
    x = agc(x, frontend.level_dbfs)
    return quantise(x, frontend.bits, frontend.offset_binary)


def add_noise(x, snr_db, signal_power, generator):
    """White circular noise of power signal_power / 10^(snr_db / 10) over the whole band -rate/2..rate/2."""
    power = _column(signal_power, x) * 10 ** (-_column(snr_db, x) / 10)
    return x + power.sqrt() * complex_normal(x.shape, generator, x.device)


def carrier_offset(x, offset, sample_rate):
    """Moves the signal up by `offset` Hz; phase 0 at the first sample."""
    return x * _tone(_column(offset, x) / _column(sample_rate, x), x.shape[-1])


def phase_noise(x, linewidth, sample_rate, generator):
    """A free-running oscillator (Wiener phase) of full 3 dB linewidth in Hz, common to all antennas."""
    steps = torch.randn(x.shape[0], 1, x.shape[-1], generator=generator, device=generator.device).to(x.device)
    deviation = (2 * torch.pi * _column(linewidth, x) / _column(sample_rate, x)).sqrt()
    phase = (steps * deviation).cumsum(-1)
    return x * torch.polar(torch.ones_like(phase), phase)


def sampling_clock_offset(x, ppm):
    """A sampling clock `ppm` millionths slow, all antennas alike; the middle sample stays in place.

    Each sample moves along the signal's derivative, which is good to -40 dB at 0.4 of the rate while the
    drift stays below 0.05 sample (25 ppm over 4096 samples). Raises WfmError past 0.25 sample: a long
    stretch is resampled with receive_band() instead.
    """
    count = x.shape[-1]
    drift = 1e-6 * _column(ppm, x) * (torch.arange(count, device=x.device) - count // 2)
    largest = float(drift.abs().max())
    if largest > 0.25:
        raise WfmError(
            f"sampling_clock_offset would move samples by {largest:.2f}, want at most 0.25: give receive_band() "
            "the offset rate, or set clock_ppm to 0."
        )
    slope = torch.fft.ifft(torch.fft.fft(x) * (2j * torch.pi * torch.fft.fftfreq(count, device=x.device)))
    return torch.addcmul(x, slope, drift.to(x.dtype))


def iq_imbalance(x, gain_db, phase_deg):
    """A quadrature mixer whose Q arm has `gain_db` more gain and `phase_deg` of skew."""
    gain = 10 ** (_column(gain_db, x) / 20)
    skew = torch.deg2rad(_column(phase_deg, x))
    quadrature = gain * (torch.cos(skew) * x.imag + torch.sin(skew) * x.real)
    return torch.complex(x.real, quadrature)


def dc_offset(x, dbc, phase):
    """Adds a constant of power `dbc` dB relative to each antenna's mean power, at `phase` rad; -inf: none."""
    amplitude = _mean_amplitude(x) * 10 ** (_column(dbc, x) / 20)
    angle = _column(phase, x)
    return x + amplitude * torch.polar(torch.ones_like(angle), angle)


def spur(x, frequency, dbc):
    """Adds a tone at `frequency` (fraction of the rate, -0.5..0.5) of `dbc` dB; -inf: none. Both [B]."""
    rows = torch.isfinite(dbc).nonzero().flatten()
    hit = x[rows]
    amplitude = _mean_amplitude(hit) * 10 ** (_column(dbc[rows], x) / 20)
    return x.index_add(0, rows, amplitude * _tone(_column(frequency[rows], x), x.shape[-1]).expand(hit.shape))


def receive_filter(x, passband, stopband_db):
    """The anti-alias filter's roll-off: flat to `passband` (fraction of rate/2), `stopband_db` at rate/2."""
    frequency = 2 * torch.fft.fftfreq(x.shape[-1], device=x.device).abs()
    floor = 10 ** (_column(stopband_db, x) / 20)
    shape = raised_cosine_edge(frequency, _column(passband, x).clamp_max(0.999), 1.0)
    return torch.fft.ifft(torch.fft.fft(x) * (floor + (1 - floor) * shape))


def antenna_gain(x, gain_db):
    """Gain of each antenna's chain, dB."""
    return x * 10 ** (_column(gain_db, x) / 20)


def agc(x, level_dbfs):
    """Scales each window, all its antennas alike, to a mean power of `level_dbfs` dBFS."""
    amplitude = _mean_amplitude(x.flatten(1)).unsqueeze(-1).clamp_min(1e-15)
    return x * (10 ** (_column(level_dbfs, x) / 20) / amplitude)


def quantise(x, bits, offset_binary=False):
    """A converter of `bits` each for I and Q, range -1..1, clipping beyond.

    offset_binary (bool): codes lie half a step off zero, as in unsigned 8-bit receivers, which have no zero.
    """
    step = 2 ** (1 - _column(bits, x)).unsqueeze(-1)
    half = 0.5 * _column(offset_binary, x).unsqueeze(-1)
    codes = torch.round(torch.view_as_real(x) / step - half) + half
    limit = 1 / step
    codes = torch.minimum(torch.maximum(codes, half - limit), limit - 1 + half)
    return torch.view_as_complex(codes * step)


def _column(value, x):
    """A parameter as float32 [B or 1, A or 1, 1] on the samples' device."""
    value = torch.as_tensor(value, dtype=torch.float32, device=x.device)
    return value.reshape(value.shape + (1,) * (3 - value.dim()))


def _mean_amplitude(x):
    """Root mean square over the last axis, kept. The norm of a view of reals: abs() of complex is slow."""
    parts = torch.view_as_real(x).flatten(-2)
    return torch.linalg.vector_norm(parts, dim=-1, keepdim=True) * x.shape[-1] ** -0.5


def _tone(frequency, count):
    """exp(j 2 pi frequency k), frequency [B, A or 1, 1] as a fraction of the rate.

    In double precision until the whole turns are gone: a long scene turns millions of times.
    """
    turns = frequency.double() * torch.arange(count, device=frequency.device)
    turns = (turns - turns.round()).float()
    return torch.polar(torch.ones_like(turns), 2 * torch.pi * turns)
