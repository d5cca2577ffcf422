# SPDX-License-Identifier: GPL-3.0-or-later
"""WiFi's 20 MHz OFDM bursts (IEEE 802.11-2016 clause 17: 802.11a, and 802.11g) with contention between stations.

Not modelled: channel coding (the bits are random, SIGNAL's too), the transitions between symbols.
"""

from functools import lru_cache

import torch

from wfm_core.synth.channel.resample import input_samples
from wfm_core.synth.draws import choice, complex_normal, random_bytes, uniform
from wfm_core.synth.emitters.emission import Emission
from wfm_core.synth.emitters.window import receive_part
from wfm_core.synth.modulation import qam
from wfm_core.synth.registers import m_sequence

RATES = (10e6, 61.44e6)
NATIVE_RATE = 20e6
BANDWIDTH = 53 * 312.5e3  # the empty DC subcarrier included

SIZE, SYMBOL = 64, 80  # samples of a transform, and with its prefix
PREAMBLE = 320
_DATA = [k for k in range(-26, 27) if k not in (-21, -7, 0, 7, 21)]
_PILOTS = (-21, -7, 7, 21)
_STF_PLUS, _STF_MINUS = (-24, -16, -4, 12, 16, 20, 24), (-20, -12, -8, 4, 8)
_LTF = "++--++-+-++++++--++-+-++++" + "0" + "+--++-+-+-----++--+-+-++++"
_SIFS, _SLOT, _DIFS = 16, 9, 34  # us (17.4.4)


def wifi(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """A channel's traffic for the length of the window: bursts, acknowledgements, back-offs, one burst at least."""
    need = input_samples(NATIVE_RATE, sample_rate, samples)
    kept = round(samples * NATIVE_RATE / sample_rate)
    sent = torch.zeros(need, dtype=torch.complex64, device=generator.device)
    place, inside, traffic = uniform((3,), 0, 1, generator).tolist()
    idle = 10 ** (1 + 2.3 * traffic)  # mean idle time between exchanges, us
    length = _data_symbols(generator)
    # A random sample of the first burst lies at a random place of what is kept of the window.
    start = (need - kept) // 2 + int(place * kept) - int(inside * _burst_samples(length))
    _fill(sent, start, length, idle, generator)
    return receive_part(sent, NATIVE_RATE, BANDWIDTH, sample_rate, samples, generator)


def burst(data_symbols: int, bits: int, generator: torch.Generator) -> torch.Tensor:
    """complex64 [320 + 80 (1 + data_symbols)] at 20 MS/s: preamble, SIGNAL, data of `bits` (1, 2, 4 or 6) each."""
    device = generator.device
    drawn = random_bytes((1 + data_symbols, len(_DATA)), generator)
    values = _constellation(bits).to(device)[drawn.long() % 2**bits]
    values[0] = _constellation(1).to(device)[drawn[0].long() % 2]
    grid = torch.zeros(1 + data_symbols, SIZE, dtype=torch.complex64, device=device)
    grid[:, _DATA] = values
    # The pilots' signs: the scrambler's sequence from the state of all ones (17.3.5.10).
    signs = m_sequence(7, (3,), 0b1111111).roll(-7).to(device)
    polarity = signs[torch.arange(1 + data_symbols, device=device) % len(signs)]
    grid[:, _PILOTS] = polarity[:, None] * torch.tensor([1.0, 1.0, 1.0, -1.0], device=device).to(grid.dtype)
    body = _transform(grid)
    symbols = torch.cat((body[:, SIZE - 16 :], body), dim=1)
    return torch.cat((_preamble().to(device), symbols.flatten()))


def _fill(sent, start, length, idle, generator) -> None:
    """Exchanges into `sent` [n], in place: one whose burst begins at `start`, then others before and after it."""
    end = _exchange(sent, start, length, generator)
    while end < len(sent):
        begin = end + _wait(idle, generator)
        end = _exchange(sent, begin, _data_symbols(generator), generator)
    while start > 0:
        length = _data_symbols(generator)
        start -= _wait(idle, generator) + _exchange_samples(length)
        _exchange(sent, start, length, generator)


def _exchange(sent, start, length, generator) -> int:
    """A burst of one station, and another's acknowledgement; returns the first sample after them."""
    if start < len(sent) and start + _exchange_samples(length) > 0:
        gains = complex_normal((2,), generator)
        gains = gains / gains.abs() * 10 ** (uniform((2,), -6, 0, generator) / 20)
        _put(sent, start, gains[0] * burst(length, choice((1, 2, 4, 6), generator), generator))
        answer = start + _burst_samples(length) + _SIFS * 20
        _put(sent, answer, gains[1] * burst(_ANSWER_SYMBOLS, 2, generator))
    return start + _exchange_samples(length)


_ANSWER_SYMBOLS = 3


def _exchange_samples(length: int) -> int:
    return _burst_samples(length) + _SIFS * 20 + _burst_samples(_ANSWER_SYMBOLS)


def _burst_samples(length: int) -> int:
    return PREAMBLE + SYMBOL * (1 + length)


def _put(sent, start, part) -> None:
    """Adds what of `part` falls into `sent`, in place."""
    begin, end = max(start, 0), min(start + len(part), len(sent))
    if begin < end:
        sent[begin:end] += part[begin - start : end - start]


def _data_symbols(generator) -> int:
    """1 to 340 (1.4 ms), uniform in the logarithm."""
    return int(340 ** float(uniform((), 0, 1, generator)))


def _wait(idle, generator) -> int:
    """Samples from one exchange to the next: DIFS, back-off in slots, and the time nobody has anything to send."""
    backoff, quiet = uniform((2,), 0, 1, generator).tolist()
    return int(20 * (_DIFS + _SLOT * int(16 * backoff) + 2 * idle * quiet))


def _constellation(bits: int) -> torch.Tensor:
    return torch.tensor([-1.0, 1.0], dtype=torch.complex64) if bits == 1 else qam(bits)


@lru_cache(maxsize=1)
def _preamble() -> torch.Tensor:
    """complex64 [320]: ten short training symbols, a long prefix and two long ones (17.3.3)."""
    short, long = torch.zeros(2, SIZE, dtype=torch.complex64)
    short[list(_STF_PLUS)] = (13 / 6) ** 0.5 * (1 + 1j)
    short[list(_STF_MINUS)] = -((13 / 6) ** 0.5) * (1 + 1j)
    long[torch.arange(-26, 27)] = torch.tensor(
        [{"+": 1, "-": -1, "0": 0}[sign] for sign in _LTF], dtype=torch.complex64
    )
    short, long = _transform(torch.stack((short, long)))
    return torch.cat((short.repeat(3)[:160], long[32:], long, long))


def _transform(grid: torch.Tensor) -> torch.Tensor:
    """Subcarriers complex64 [..., 64] (negative ones last) to samples: 52 of unit power give unit power."""
    return torch.fft.ifft(grid, norm="forward") * 52**-0.5
