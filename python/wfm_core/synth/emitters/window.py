# SPDX-License-Identifier: GPL-3.0-or-later
"""From a wide-band transmitter's own samples to the receiver's window, never one in which it is silent."""

import torch

from wfm_core.synth.channel.resample import input_samples, receive_band
from wfm_core.synth.draws import uniform
from wfm_core.synth.emitters.emission import Emission

WIDEST = 2.0
"""How many times the received band a transmitter's own rate may be: wider ones cost more than they teach."""


def receive_part(
    sent: torch.Tensor,
    native_rate: float,
    bandwidth: float,
    sample_rate: float,
    samples: int,
    generator: torch.Generator,
) -> Emission:
    """A random part of `sent` (complex64 [n], exact zeros while off) of `bandwidth` Hz, [samples] at sample_rate.

    The part is placed so that a random sample that is on lies in it, and has unit mean power while on. n must be at
    least input_samples(native_rate, sample_rate, samples); the more, the freer the place. The receiver is tuned to
    anywhere in a transmitter wider than the received band, and to the middle of a narrower one.
    """
    offset = float(uniform((), -0.5, 0.5, generator)) * max(bandwidth - sample_rate, 0.0)
    need = input_samples(native_rate, sample_rate, samples)
    on = sent.real != 0
    begin = _begin(on, need, round(samples * native_rate / sample_rate), generator)
    received = receive_band(sent[begin : begin + need], native_rate, sample_rate, offset, samples)
    share = on[begin : begin + need].float().mean()
    power = received.abs().square().mean() / share.clamp(min=1e-3)
    # A slice that the transmitter left nearly empty stays weak: only filter leakage is in it.
    return Emission(received / power.clamp(min=1e-3).sqrt(), min(bandwidth, sample_rate))


def _begin(on: torch.Tensor, need: int, kept: int, generator: torch.Generator) -> int:
    """First sample of a part of `need` samples, of whose `kept` middle ones a random one is on."""
    where, place = uniform((2,), 0, 1, generator).tolist()
    # A window's middle can lie anywhere but in the outermost guards.
    guard = (need - kept) // 2
    inner = on[guard : len(on) - guard]
    total = int(inner.sum())
    if total == 0:
        return 0
    # The place of the k-th sample that is on, by the cumulative count: cheaper than listing them all.
    chosen = guard + int(torch.searchsorted(inner.cumsum(0), int(where * total) + 1))
    begin = chosen - guard - int(place * kept)
    return min(max(begin, 0), len(on) - need)
