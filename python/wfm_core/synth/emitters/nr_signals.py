# SPDX-License-Identifier: GPL-3.0-or-later
"""5G NR's synchronisation signal block and demodulation references (TS 38.211 sections 7.4.1 to 7.4.3)."""

import torch

from wfm_core.synth.lte.sequences import gold_bits, qpsk
from wfm_core.synth.registers import m_sequence

BLOCK_SUBCARRIERS = 240
BLOCK_SYMBOLS = 4
_BITS = 1280  # at least two for each of 106 * 6 references; one length keeps one table


def pss(nid2: int) -> torch.Tensor:
    """Primary synchronisation signal (7.4.2.2), +1/-1 float32 [127]."""
    return m_sequence(7, (4,), 0b1110110).roll(-43 * nid2)


def sss(nid1: int, nid2: int) -> torch.Tensor:
    """Secondary synchronisation signal (7.4.2.3), +1/-1 float32 [127]."""
    first = m_sequence(7, (4,), 1).roll(-15 * (nid1 // 112) - 5 * nid2)
    return first * m_sequence(7, (1,), 1).roll(-(nid1 % 112))


def references(cell_id: int, slots: torch.Tensor, symbols: torch.Tensor, count: int) -> torch.Tensor:
    """PDSCH and PDCCH references (7.4.1.1.1, 7.4.1.3.1) from a carrier's lowest on: complex64 [..., count].

    slots, symbols: int64 [...] (CPU) that broadcast: slot in the frame, symbol in the slot. The scrambling identity
    is the cell's.
    """
    start = ((2**17) * (14 * slots + symbols + 1) * (2 * cell_id + 1) + 2 * cell_id) % 2**31
    return qpsk(gold_bits(start, _BITS)[..., : 2 * count])


def synchronisation_block(cell_id: int, index: int, payload: torch.Tensor) -> torch.Tensor:
    """complex64 [4, 240]: PSS, SSS and PBCH of block `index`, as table 7.4.3.1-1 places them.

    payload: QPSK complex64 [576]; what the references displace is not sent, so 432 of them are.
    """
    block = torch.zeros(BLOCK_SYMBOLS, BLOCK_SUBCARRIERS, dtype=torch.complex64)
    broadcast = torch.zeros(BLOCK_SYMBOLS, BLOCK_SUBCARRIERS, dtype=torch.bool)
    broadcast[1] = broadcast[3] = True
    broadcast[2, :48] = broadcast[2, 192:] = True
    block[broadcast] = payload.to(block.device)
    # 7.4.1.4: every fourth subcarrier of the broadcast channel is a reference.
    broadcast &= torch.arange(BLOCK_SUBCARRIERS) % 4 == cell_id % 4
    start = 2**11 * (index + 1) * (cell_id // 4 + 1) + 2**6 * (index + 1) + cell_id % 4
    block[broadcast] = qpsk(gold_bits(torch.tensor(start), _BITS)[: 2 * 144])
    block[0, 56:183] = pss(cell_id % 3).to(torch.complex64)
    block[2, 56:183] = sss(cell_id // 3, cell_id % 3).to(torch.complex64)
    return block
