# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver of another rate and centre sees of a signal: shift, band filter and rate change in one FFT pair."""

from fractions import Fraction
from functools import lru_cache

import torch
from scipy.fft import next_fast_len

from wfm_core.base.errors import WfmError

MAX_DENOMINATOR = 4096


def input_samples(native_rate, sample_rate, count, transition=0.1):
    """How many samples at `native_rate` receive_band() needs for `count` samples at `sample_rate`."""
    return _plan(float(native_rate), float(sample_rate), int(count), float(transition))[0]


def receive_band(x, native_rate, sample_rate, center_offset, count, transition=0.1, channel_bandwidth=None):
    """complex64 [..., n] at native_rate (Hz) to [..., count] at sample_rate (Hz, higher or lower).

    The receiver is tuned `center_offset` Hz above the signal's centre: a tone at f comes out at
    f - center_offset, at the same level, or not at all outside the band. The pass band ends in raised-cosine
    edges, `transition` (0.01..0.5) of sample_rate wide at each side, like an anti-alias filter.
    channel_bandwidth: Hz of the transmitter's own filter, centred on the signal (edges 5 % of it outside);
    None: none. The output is the middle of what n_used = input_samples(...) samples give, for the circular
    transform spoils the ends: output sample 0 is at input sample (n_used - count * native / sample_rate) / 2,
    less at most one output sample. The rate is kept to a few millionths (ratio of small integers). Raises
    WfmError when x is shorter than n_used; what is longer is not used.
    """
    native_rate, sample_rate, count = float(native_rate), float(sample_rate), int(count)
    size_in, size_out, guard = _plan(native_rate, sample_rate, count, float(transition))
    if x.shape[-1] < size_in:
        raise WfmError(
            f"receive_band got {x.shape[-1]} samples, want {size_in} for {count} at {sample_rate:g} Hz: "
            "generate more (see input_samples)."
        )
    spacing = native_rate / size_in
    shift = round(center_offset / spacing)
    spectrum = torch.fft.fft(x[..., :size_in])

    # Signed bins of the output band, as seen by the receiver, and where they lie in the signal's spectrum.
    bins = torch.arange(size_out, device=x.device)
    bins = torch.where(bins < (size_out + 1) // 2, bins, bins - size_out)
    source = bins + shift
    inside = (source >= -(size_in // 2)) & (source < (size_in + 1) // 2)
    gain = raised_cosine_edge(bins.abs() / size_out, 0.5 - transition, 0.5) * inside
    # The signal's own Nyquist edges too: a brick wall there would ring beyond the guard when upsampling.
    gain = gain * raised_cosine_edge(source.abs() / size_in, 0.47, 0.5)
    if channel_bandwidth is not None:
        half = channel_bandwidth / 2 / native_rate
        gain = gain * raised_cosine_edge(source.abs() / size_in, half, 1.1 * half)
    band = spectrum.index_select(-1, source % size_in) * (gain * (size_out / size_in))
    y = torch.fft.ifft(band)[..., guard : guard + count]
    rest = center_offset - shift * spacing
    if rest:
        time = torch.arange(count, device=x.device, dtype=torch.float64)
        cycles = torch.remainder(time * (-rest / sample_rate), 1.0).float()
        y = y * torch.polar(torch.ones_like(cycles), 2 * torch.pi * cycles)
    return y


def raised_cosine_edge(frequency, start, stop):
    """1 below `start`, 0 above `stop`, half a cosine between; tensors or floats of one unit."""
    ramp = ((frequency - start) / (stop - start)).clamp(0, 1)
    return 0.5 + 0.5 * torch.cos(torch.pi * ramp)


@lru_cache(maxsize=1024)
def _plan(native_rate, sample_rate, count, transition):
    """(input length, output length, samples dropped before the output) with both lengths good for the FFT."""
    if not (native_rate > 0 and sample_rate > 0 and count > 0 and 0.01 <= transition <= 0.5):
        raise WfmError(
            f"receive_band got rates {native_rate:g} and {sample_rate:g} Hz, count {count}, transition "
            f"{transition:g}; want rates > 0, count > 0, transition 0.01 to 0.5: correct them."
        )
    ratio = Fraction(sample_rate / native_rate).limit_denominator(MAX_DENOMINATOR)
    if ratio == 0:
        ratio = Fraction(1, round(native_rate / sample_rate))
    # The impulse response falls with the cube of time: past some 8 inverse transition widths it is -60 dB.
    # The signal's own edges (3 % of its rate) have the same need, counted in output samples.
    guard = int(max(8 / transition, 8 / 0.03 * float(ratio)) + 1)
    blocks = -(-(count + 2 * guard) // ratio.numerator)
    blocks = next_fast_len(blocks, real=True)
    size_out = blocks * ratio.numerator
    return blocks * ratio.denominator, size_out, (size_out - count) // 2
