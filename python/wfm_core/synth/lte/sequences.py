# SPDX-License-Identifier: GPL-3.0-or-later
"""The sequences of TS 36.211: Gold (7.2), PSS (6.11.1), SSS (6.11.2), cell-specific references (6.10.1)."""

from functools import lru_cache

import torch

from wfm_core.synth.registers import m_sequence, register_bits

GOLD_SKIP = 1600
CRS_BITS = 440  # two bits for each of the 2 * 110 reference elements of the widest carrier
PSS_ROOTS = (25, 29, 34)


@lru_cache(maxsize=4)
def _gold_parts(length):
    """First register's bits [length], and what each bit of c_init adds to the second one [31, length].

    The second register is linear over GF(2), so any number of sequences is one matrix product.
    """
    count = GOLD_SKIP + length
    responses = torch.stack([register_bits(31, (3, 2, 1), 1 << i, count) for i in range(31)])
    return register_bits(31, (3,), 1, count)[GOLD_SKIP:], responses[:, GOLD_SKIP:].contiguous()


def gold_bits(c_init, length):
    """Pseudo-random bits c(0..length-1), float32 0 or 1 [..., length], for c_init int64 [...] (CPU)."""
    first, responses = _gold_parts(length)
    state = (c_init.unsqueeze(-1) >> torch.arange(31)) & 1
    return torch.remainder(state.float() @ responses + first, 2)  # sums of at most 32: exact in float32


def qpsk(bits):
    """Bits [..., 2 n] to unit-power QPSK complex64 [..., n] (7.1.2)."""
    return torch.view_as_complex(((1 - 2 * bits) * 0.5**0.5).unflatten(-1, (-1, 2)).contiguous())


def reference_symbols(cell_id, extended_cp, slots, symbols, n_rb):
    """Unit-power QPSK of the reference elements of OFDM symbols: complex64 [..., 2 * n_rb].

    slots, symbols: int64 [...] that broadcast: slot numbers 0..19, symbol numbers within the slot.
    """
    normal = 0 if extended_cp else 1
    c_init = 1024 * (7 * (slots + 1) + symbols + 1) * (2 * cell_id + 1) + 2 * cell_id + normal
    values = qpsk(gold_bits(c_init, CRS_BITS))
    return values[..., 110 - n_rb : 110 + n_rb]


@lru_cache(maxsize=3)
def pss(nid2):
    """Primary synchronisation signal, complex64 [62], subcarriers -31..-1 and 1..31."""
    n = torch.arange(62, dtype=torch.float64)
    product = torch.where(n < 31, n * (n + 1), (n + 1) * (n + 2))
    phase = -torch.pi * PSS_ROOTS[nid2] * product / 63
    return torch.polar(torch.ones_like(phase), phase).to(torch.complex64)


@lru_cache(maxsize=512)
def sss(nid1, nid2, second_half):
    """Secondary synchronisation signal of subframe 0 or (second_half) 5, complex64 [62], as for pss()."""
    q_prime = nid1 // 30
    q = (nid1 + q_prime * (q_prime + 1) // 2) // 30
    m_prime = nid1 + q * (q + 1) // 2
    m0 = m_prime % 31
    m1 = (m0 + m_prime // 31 + 1) % 31
    if second_half:
        m0, m1 = m1, m0
    n = torch.arange(31)
    s, c, z = (m_sequence(5, taps, 0b10000) for taps in ((2,), (3,), (4, 2, 1)))
    even = s[(n + m0) % 31] * c[(n + nid2) % 31]
    # The odd elements' z takes the shift of the m that scrambles them: m0 of this half frame.
    odd = s[(n + m1) % 31] * c[(n + nid2 + 3) % 31] * z[(n + m0 % 8) % 31]
    return torch.stack((even, odd), dim=1).flatten().to(torch.complex64)
