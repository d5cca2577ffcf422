# SPDX-License-Identifier: GPL-3.0-or-later
"""Direct-sequence spread spectrum with BPSK or QPSK data: the interference that hides under a cell.

Data symbols (BPSK +-1, QPSK the four odd multiples of 45 degrees) are multiplied by a real +-1 spreading code,
one period of the code per symbol, the same code on I and Q, and shaped with a root-raised-cosine pulse. Codes are
m-sequences and Gold codes of 2^m - 1 chips (Proakis, Digital Communications, ch. 12).
"""

from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from scipy.signal import max_len_seq

from wfm_core.synth.draws import log_uniform, uniform

CODE_ORDERS = (4, 5, 6, 7, 8, 9, 10)
"""Register lengths m; a code has 2^m - 1 chips: 15 to 1023."""

GOLD_PAIRS = {5: ([3], [4, 3, 2]), 6: ([5], [5, 4, 1]), 7: ([4], [6, 5, 4]), 9: ([5], [8, 5, 3]), 10: ([7], [9, 7, 2])}
"""Feedback taps of one preferred pair per register length, besides the register's own length."""

_CODES_PER_ORDER = 16
_PULSE_REACH = 5
_PULSE_STEPS = 128


@dataclass
class DsssParameters:
    """One entry per window; rates and offsets in units of the sample rate. All tensors are [B]."""

    qpsk: torch.Tensor
    chip_rate: torch.Tensor
    code_order: torch.Tensor
    code_index: torch.Tensor
    rolloff: torch.Tensor
    offset: torch.Tensor


def random_parameters(batch: int, generator: torch.Generator, qpsk: torch.Tensor | None = None) -> DsssParameters:
    """Draw `batch` transmitters whose main lobe lies inside the received band.

    Chip rate 0.08 to 0.7 of the sample rate (log-uniform), roll-off 0.15 to 0.6, 15 to 1023 chips a symbol with
    at least four symbols in 4096 samples.
    """
    draw = partial(uniform, (batch,), generator=generator)
    if qpsk is None:
        qpsk = torch.rand(batch, generator=generator, device=generator.device) < 0.5
    chip_rate = log_uniform((batch,), 0.08, 0.7, generator)
    rolloff = draw(0.15, 0.6)
    longest = torch.floor(torch.log2(4096 * chip_rate / 4 + 1)).clamp(CODE_ORDERS[0], CODE_ORDERS[-1])
    order = (CODE_ORDERS[0] + draw(0, 1) * (longest - CODE_ORDERS[0] + 1)).floor().clamp(max=longest)
    room = (0.5 - chip_rate * (1 + rolloff) / 2).clamp(min=0.02)
    return DsssParameters(
        qpsk=qpsk,
        chip_rate=chip_rate,
        code_order=order.long(),
        code_index=(draw(0, 1) * _CODES_PER_ORDER).long(),
        rolloff=rolloff,
        offset=room * draw(-1, 1),
    )


def dsss(parameters: DsssParameters, samples: int, generator: torch.Generator) -> torch.Tensor:
    """Complex64 [B, samples] of unit mean power, with random data, code phase, chip timing and carrier phase."""
    device = generator.device
    batch = len(parameters.chip_rate)
    length = 2**parameters.code_order - 1
    rate = parameters.chip_rate[:, None].double()
    position = (
        torch.arange(samples, device=device) * rate + _PULSE_REACH + uniform((batch, 1), 0, 1, generator).double()
    )
    nearest = position.floor().long()
    chips = _chip_stream(parameters, length, int(nearest.max()) + _PULSE_REACH + 1, generator)
    table = _pulse_table(device)
    row = ((parameters.rolloff - 0.15) / 0.45 * (table.shape[0] - 1)).round().long().clamp(0, table.shape[0] - 1)
    pulses = table[row]
    phase = ((position - nearest) * _PULSE_STEPS).long()
    signal = torch.zeros(batch, samples, dtype=torch.complex64, device=device)
    for tap in range(-_PULSE_REACH + 1, _PULSE_REACH + 1):
        weight = pulses.gather(1, phase - tap * _PULSE_STEPS + _PULSE_REACH * _PULSE_STEPS)
        signal += chips.gather(1, nearest + tap) * weight
    turn = torch.arange(samples, device=device) * parameters.offset[:, None] + uniform((batch, 1), 0, 1, generator)
    signal *= torch.polar(torch.ones_like(turn), 2 * torch.pi * turn)
    return signal / signal.abs().square().mean(1, keepdim=True).sqrt()


def _chip_stream(parameters: DsssParameters, length: torch.Tensor, count: int, generator: torch.Generator):
    """Complex64 [B, count]: the code, repeated from a random phase, times one data symbol per period."""
    device = generator.device
    codes = _code_table(device)[parameters.code_order - CODE_ORDERS[0], parameters.code_index]
    start = (torch.rand(len(length), generator=generator, device=device) * length).long()
    index = torch.arange(count, device=device) + start[:, None]
    bits = torch.randint(0, 2, (2, len(length), count // 15 + 2), generator=generator, device=device) * 2.0 - 1.0
    inphase, quadrature = bits
    data = torch.complex(inphase, quadrature * parameters.qpsk[:, None])
    data = data / data.abs()
    return codes.gather(1, index % length[:, None]) * data.gather(1, index // length[:, None])


@lru_cache
def _code_table(device: torch.device) -> torch.Tensor:
    """Float32 [orders, codes, 1023]: +-1 chips, Gold codes where a preferred pair exists, else shifted m-sequences."""
    table = torch.zeros(len(CODE_ORDERS), _CODES_PER_ORDER, 2 ** CODE_ORDERS[-1] - 1)
    for row, order in enumerate(CODE_ORDERS):
        first_taps, second_taps = GOLD_PAIRS.get(order, (None, None))
        first = torch.from_numpy(max_len_seq(order, taps=first_taps)[0]).long()
        second = torch.from_numpy(max_len_seq(order, taps=second_taps)[0]).long()
        for code in range(_CODES_PER_ORDER):
            if code == 0 or first_taps is None:
                chips = first.roll(code * len(first) // _CODES_PER_ORDER)
            else:
                chips = first ^ second.roll(code * len(second) // _CODES_PER_ORDER)
            table[row, code, : len(chips)] = chips * 2.0 - 1.0
    return table.to(device)


@lru_cache
def _pulse_table(device: torch.device) -> torch.Tensor:
    """Float32 [roll-offs, time]: root-raised-cosine pulses over +-_PULSE_REACH chips, _PULSE_STEPS points a chip."""
    time = torch.arange(-_PULSE_REACH * _PULSE_STEPS, _PULSE_REACH * _PULSE_STEPS + 1, dtype=torch.float64)
    time = time / _PULSE_STEPS + 1e-9
    rows = [root_raised_cosine(time, beta) for beta in torch.linspace(0.15, 0.6, 10).tolist()]
    return torch.stack(rows).float().to(device)


def root_raised_cosine(time: torch.Tensor, rolloff: float) -> torch.Tensor:
    """Impulse response at `time` (in symbols), peak normalised to about one (Proakis, ch. 9)."""
    time = torch.where((4 * rolloff * time).abs() == 1, time + 1e-6, time)
    top = torch.sin(torch.pi * time * (1 - rolloff)) + 4 * rolloff * time * torch.cos(torch.pi * time * (1 + rolloff))
    return top / (torch.pi * time * (1 - (4 * rolloff * time) ** 2))
