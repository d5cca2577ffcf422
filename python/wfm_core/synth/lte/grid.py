# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource grid of an LTE downlink cell: who owns each element, and what is on it (TS 36.211 section 6).

Each element has an owner: 0 nobody, 1..USERS a user of the shared channel, CONTROL the control channels. A
user's modulation and power are one row of a symbol table, so data, gaps and power differences are one gather.
Not modelled: channel coding (the bits are random), PHICH, MBSFN subframes and codebook precoding (spatial
multiplexing is independent streams on the ports).
"""

import torch

from wfm_core.synth.draws import random_bytes, uniform
from wfm_core.synth.lte.sequences import pss, reference_symbols, sss
from wfm_core.synth.modulation import qam
from wfm_core.synth.ofdm import user_symbols

USERS = 8
CONTROL = USERS + 1
MODULATION_BITS = (2, 4, 6, 8)
MODULATION_SHARES = (0.35, 0.3, 0.25, 0.1)


def resource_grid(cell, subframes, generator, device="cpu", first_subframe=0):
    """complex64 [ports, subframes, 2 * slot_symbols, 12 * n_rb]; every element filled: unit power over ports.

    Subcarriers go from the lowest frequency up; the empty DC one is left out.
    """
    numbers = (first_subframe + torch.arange(subframes, device=device)) % 10
    diverse = torch.rand(USERS + 2, generator=generator, device=generator.device).to(device) < 0.5
    diverse[CONTROL] = True
    owner = _owners(cell, numbers, generator)
    references = _references(cell, numbers)
    for _, symbol, columns, _ in references:
        owner[:, symbol, columns] = 0
    _reserve_broadcast(cell, numbers, owner)

    index = random_bytes((cell.ports, *owner.shape), generator, device).int() + (owner.int() << 8)
    table = _symbol_table(cell, generator, device)
    grid = table.index_select(0, index.flatten()).view(index.shape)
    if cell.ports > 1:
        _transmit_diversity(grid, diverse[owner.long()])

    boost = 10 ** (cell.crs_boost_db / 20)
    for port, symbol, columns, values in references:
        if port < cell.ports:
            grid[port, :, symbol, columns] = boost * values
    _synchronisation(cell, numbers, grid, generator)
    if cell.duplex == "tdd":
        silent = torch.arange(grid.shape[2], device=device) >= cell.downlink_symbols(device)[numbers, None]
        grid.masked_fill_(silent.unsqueeze(-1), 0)
    return grid


def _symbol_table(cell, generator, device):
    """complex64 [(USERS + 2) * 256]: the symbol that an owner sends for each byte; owner 0 sends nothing."""
    table = torch.zeros(USERS + 2, 256, dtype=torch.complex64)
    table[1:CONTROL] = user_symbols(USERS, MODULATION_BITS, MODULATION_SHARES, cell.power_spread_db, generator)
    table[CONTROL] = qam(2).repeat(64)
    return (table * cell.ports**-0.5).flatten().to(device)


def _owners(cell, numbers, generator):
    """uint8 [subframes, symbols, subcarriers]: the shared channel's users and, above it, the control region."""
    subframes, symbols, device = len(numbers), 2 * cell.slot_symbols, numbers.device
    # With burst, load is the chance that a subframe is busy at all; without, how full each subframe is.
    busy = 1 - cell.burst * (1 - cell.load)
    fill = cell.load / busy if busy > 0 else 0.0
    group = next(size for limit, size in ((10, 1), (26, 2), (63, 3), (110, 4)) if cell.n_rb <= limit)
    groups = -(-cell.n_rb // group)
    active = uniform((subframes, 1), 0, 1, generator, device) < busy
    active = active & (uniform((subframes, groups), 0, 1, generator, device) < fill)
    # A few users share a subframe: each holds a run of resource-block groups.
    starts = (uniform((subframes, groups), 0, 1, generator, device) < 3 / groups).cumsum(1)
    first = random_bytes((subframes, 1), generator, device).long()
    user = (1 + (first + starts) % USERS) * active
    data = user.to(torch.uint8).repeat_interleave(12 * group, dim=1)[:, : cell.subcarriers]
    owner = data.unsqueeze(1).repeat(1, symbols, 1)

    first_size = 2 if cell.n_rb <= 10 else 1
    length = first_size + random_bytes((subframes, 1), generator, device).long() % 3
    for symbol in range(first_size + 2):
        row = _control_row(cell, symbol, subframes, generator, device)
        owner[:, symbol] = torch.where(symbol < length, row, owner[:, symbol])
    return owner


def _control_row(cell, symbol, subframes, generator, device):
    """uint8 [subframes, subcarriers]: CONTROL or 0, in whole resource-element groups (TS 36.211 6.2.4)."""
    with_references = symbol == 0 or (symbol == 1 and cell.ports == 4)
    size = 6 if with_references else 4
    groups = cell.subcarriers // size
    sent = uniform((subframes, groups), 0, 1, generator, device) < cell.control_load
    if symbol == 0:  # PCFICH, always there: four groups spread over the carrier (6.7.4)
        offset = cell.cell_id % (2 * cell.n_rb)
        sent[:, [(offset + i * cell.n_rb // 2) % groups for i in range(4)]] = True
    return sent.to(torch.uint8).mul_(CONTROL).repeat_interleave(size, dim=1)


def _references(cell, numbers):
    """(port, symbol of the subframe, slice of columns, values complex64 [subframes, 2 n_rb]) of each row.

    A cell of one port has a row of port 1 too: its control region keeps those elements free (6.2.4).
    """
    lines = (0, 1, cell.slot_symbols - 3) if cell.ports == 4 else (0, cell.slot_symbols - 3)
    slots = 2 * numbers.cpu() + torch.arange(2).unsqueeze(-1)
    symbols = torch.tensor(lines).view(-1, 1, 1)
    values = reference_symbols(cell.cell_id, cell.extended_cp, slots, symbols, cell.n_rb).to(numbers.device)
    rows = []
    for line, symbol in enumerate(lines):
        for half in (0, 1):
            for port, shift in _shifts(symbol, half):
                if port == 1 and cell.ports == 1 and (symbol or half):
                    continue
                columns = slice((shift + cell.cell_id) % 6, cell.subcarriers, 6)
                rows.append((port, half * cell.slot_symbols + symbol, columns, values[line, half]))
    return rows


def _shifts(symbol, half):
    """(port, v) of the ports with references in this symbol of an even (half 0) or odd slot (6.10.1.2)."""
    if symbol == 1:
        return ((2, 3 * half), (3, 3 + 3 * half))
    return ((0, 0), (1, 3)) if symbol == 0 else ((0, 3), (1, 0))


def _reserve_broadcast(cell, numbers, owner):
    """PBCH elements (subframe 0, first four symbols of its second slot) get the control owner, in place.

    Their reference elements are kept free as if there were four ports (TS 36.211 6.6.4).
    """
    rows = (numbers == 0).nonzero().flatten()
    centre = torch.arange(cell.subcarriers // 2 - 36, cell.subcarriers // 2 + 36, device=owner.device)
    free = centre % 3 == cell.cell_id % 3
    with_references = (0, 1, 3) if cell.extended_cp else (0, 1)
    for symbol in range(4):
        plain = torch.full((72,), CONTROL, dtype=torch.uint8, device=owner.device)
        if symbol in with_references:
            plain[free] = 0
        owner[rows[:, None], cell.slot_symbols + symbol, centre] = plain


def _synchronisation(cell, numbers, grid, generator):
    """PSS and SSS into the centre of `grid`, in place, with five empty elements at each side (6.11).

    Every port sends them, with signs that change, so that no direction stays in a null.
    """
    slot, middle = cell.slot_symbols, cell.subcarriers // 2
    # FDD: both in slots 0 and 10; TDD: PSS in the third symbol of subframes 1 and 6, SSS at the end of 0 and 5
    late, first, second = (0, slot - 1, slot - 2) if cell.duplex == "fdd" else (1, 2, 2 * slot - 1)
    places = [(half + late, first, pss(cell.nid2)) for half in (0, 5)]
    places += [(half, second, sss(cell.nid1, cell.nid2, half == 5)) for half in (0, 5)]
    frames = torch.arange(len(numbers), device=grid.device)
    signs = 1 - 2 * (random_bytes((cell.ports, len(numbers)), generator, grid.device) % 2).float()
    for number, symbol, sequence in places:
        rows = frames[numbers == number]
        # One sign for a half frame: the receiver takes the SSS phase from the PSS.
        sign = signs[:, (rows - number % 5).clamp_min(0)] * cell.ports**-0.5
        grid[:, rows, symbol, middle - 36 : middle + 36] = 0
        grid[:, rows, symbol, middle - 31 : middle + 31] = sign.unsqueeze(-1) * sequence.to(grid.device)


def _transmit_diversity(grid, diverse):
    """Space-frequency block codes (TS 36.211 6.3.4.3) in place, where bool `diverse` [S, L, K] says so.

    Pairs are neighbouring subcarriers. With four ports, pairs alternate between ports 0, 2 and ports 1, 3.
    """
    ports = grid.shape[0]
    coded = grid[0].unflatten(-1, (-1, 2))
    twin = torch.stack((-coded[..., 1].conj(), coded[..., 0].conj()), dim=-1).flatten(-2)
    if ports == 2:
        grid[1] = torch.where(diverse, twin, grid[1])
        return
    odd = (torch.arange(grid.shape[-1], device=grid.device) // 2) % 2 == 1
    coded = coded.flatten(-2) * 2**0.5
    twin = twin * 2**0.5
    for port, source, sends in ((2, twin, ~odd), (3, twin, odd), (1, coded, odd), (0, coded, ~odd)):
        grid[port] = torch.where(diverse, source * sends, grid[port])
