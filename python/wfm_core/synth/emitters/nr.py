# SPDX-License-Identifier: GPL-3.0-or-later
"""5G NR downlink carriers (TS 38.211): synchronisation blocks, control regions, shared channel with references.

Not modelled: channel coding (the bits are random), beams (one port), CSI references, guard periods' exact lengths.
"""

from dataclasses import dataclass, replace

import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth import ofdm
from wfm_core.synth.channel.resample import input_samples
from wfm_core.synth.draws import choice, random_bytes, uniform
from wfm_core.synth.emitters.emission import Emission
from wfm_core.synth.emitters.nr_signals import BLOCK_SUBCARRIERS, BLOCK_SYMBOLS, references, synchronisation_block
from wfm_core.synth.emitters.window import WIDEST, receive_part
from wfm_core.synth.lte.sequences import qpsk

RATES = (3.84e6, 61.44e6)

CARRIERS = {(15, 25): 512, (15, 52): 1024, (15, 79): 1536, (15, 106): 2048}
CARRIERS |= {(30, 24): 512, (30, 38): 768, (30, 51): 1024, (30, 78): 1536, (30, 106): 2048}
"""Subcarrier spacing (kHz) and resource blocks (TS 38.101-1 table 5.3.2-1) -> FFT size."""

SLOT_SYMBOLS = 14
BLOCK_STARTS = (2, 8, 16, 22)
"""First symbols of the synchronisation blocks, from the start of their half frame (TS 38.213 4.1, cases A and C)."""

USERS = 6
_BITS = (2, 4, 6, 8)
_BITS_SHARES = (0.3, 0.25, 0.3, 0.15)
_PATTERNS = ("D", "DDDSU", "DDDDDDDSUU", "DDSU")  # "D": frequency division; the others repeat (time division)


@dataclass(frozen=True)
class NrCarrier:
    """One carrier. load: share of the resource blocks that are sent; control_load: of the control region's."""

    spacing: int = 15  # kHz
    n_rb: int = 52
    cell_id: int = 0  # 0..1007
    pattern: str = "D"
    load: float = 1.0
    control_load: float = 0.5
    control_symbols: int = 2
    blocks: int = 1  # synchronisation blocks sent, 1..4
    block_offset: int = 0  # lowest subcarrier of the blocks
    period: int = 20  # ms between half frames with blocks
    reference_symbols: tuple[int, ...] = (2, 11)
    power_spread_db: float = 0.0

    def __post_init__(self):
        if (self.spacing, self.n_rb) not in CARRIERS:
            raise WfmError(
                f"NrCarrier spacing and n_rb are {self.spacing} kHz and {self.n_rb}, "
                f"want one of {list(CARRIERS)}: correct them."
            )

    @property
    def fft_size(self) -> int:
        return CARRIERS[self.spacing, self.n_rb]

    @property
    def sample_rate(self) -> float:
        """The native rate, Hz."""
        return 1e3 * self.spacing * self.fft_size

    @property
    def occupied_bandwidth(self) -> float:
        """Hz."""
        return 12e3 * self.spacing * self.n_rb

    @property
    def slots_per_ms(self) -> int:
        return self.spacing // 15

    @property
    def slot_samples(self) -> int:
        return 15 * self.fft_size


def nr(samples: int, sample_rate: float, generator: torch.Generator) -> Emission:
    """A random carrier, or a slice of one up to twice as wide as the received band."""
    carrier = random_carrier(generator, WIDEST * sample_rate)
    if carrier.occupied_bandwidth > sample_rate:  # an idle carrier could leave the slice empty
        carrier = replace(carrier, load=max(carrier.load, 0.3))
    need = input_samples(carrier.sample_rate, sample_rate, samples)
    slots = -(-need // carrier.slot_samples) + 1
    sent = nr_waveform(carrier, slots, _first_slot(carrier, generator), generator)
    return receive_part(sent, carrier.sample_rate, carrier.occupied_bandwidth, sample_rate, samples, generator)


def random_carrier(generator: torch.Generator, max_rate: float = float("inf")) -> NrCarrier:
    """A carrier drawn over everything above whose native rate is at most max_rate (Hz, >= 7.68e6)."""
    draw = uniform((8,), 0, 1, generator).tolist()
    fitting = [carrier for carrier, size in CARRIERS.items() if 1e3 * carrier[0] * size <= max_rate]
    spacing, n_rb = fitting[int(draw[0] * len(fitting))]
    return NrCarrier(
        spacing=spacing,
        n_rb=n_rb,
        cell_id=int(draw[1] * 1008),
        pattern=choice(_PATTERNS, generator, (0.4, 0.3, 0.2, 0.1)),
        load=choice((0.0, draw[2], 1.0), generator, (0.2, 0.6, 0.2)),
        control_load=draw[3],
        control_symbols=1 + int(draw[4] * 3),
        blocks=1 + int(draw[5] * len(BLOCK_STARTS)),
        block_offset=int(draw[6] * (12 * n_rb - BLOCK_SUBCARRIERS + 1)),
        period=choice((5, 10, 20), generator, (0.2, 0.2, 0.6)),
        reference_symbols=choice(((2,), (3,), (2, 11), (2, 7, 11)), generator),
        power_spread_db=choice((0.0, 6 * draw[7]), generator),
    )


def nr_waveform(carrier: NrCarrier, slots: int, first_slot: int, generator: torch.Generator) -> torch.Tensor:
    """complex64 [slots * slot_samples] at carrier.sample_rate; slots count from a frame with blocks. Silent: zeros."""
    return ofdm_modulate(resource_grid(carrier, slots, first_slot, generator), carrier)


def ofdm_modulate(grid: torch.Tensor, carrier: NrCarrier) -> torch.Tensor:
    """complex64 [slots, 14, 12 n_rb] to samples: every 0.5 ms the first prefix is longer."""
    size = carrier.fft_size
    prefix, extra = size * 9 // 128, size * carrier.slots_per_ms // 128
    halves = grid.flatten(0, 1).unflatten(0, (-1, 7 * carrier.slots_per_ms))
    return ofdm.ofdm_modulate(halves, size, prefix + extra, prefix, empty_dc=False)


def resource_grid(carrier: NrCarrier, slots: int, first_slot: int, generator: torch.Generator) -> torch.Tensor:
    """complex64 [slots, 14, 12 n_rb], lowest frequency first; a filled element has unit power."""
    device = generator.device
    user = _users(carrier, slots, generator)
    index = random_bytes((slots, SLOT_SYMBOLS, 12 * carrier.n_rb), generator, device).int()
    index += (user.int() << 8)[:, None]
    grid = _symbol_table(carrier, generator).index_select(0, index.flatten()).view(index.shape)

    numbers = first_slot + torch.arange(slots)
    in_frame = numbers % (10 * carrier.slots_per_ms)
    lines = torch.tensor(carrier.reference_symbols)
    values = references(carrier.cell_id, in_frame[:, None], lines, 6 * carrier.n_rb).to(device)
    # Type 1, two groups without data: every second element, 3 dB up, the others empty (7.4.1.1.2).
    grid[:, lines, 1::2] = 0
    grid[:, lines, 0::2] = 2**0.5 * values * (user[:, None, 0::2] > 0)
    _control(carrier, in_frame, grid, generator)
    _blocks(carrier, numbers, grid, generator)
    silent = torch.arange(SLOT_SYMBOLS) >= _downlink_symbols(carrier)[numbers % len(carrier.pattern)][:, None]
    return grid.masked_fill_(silent.unsqueeze(-1).to(device), 0)


def _symbol_table(carrier, generator):
    """complex64 [(USERS + 1) * 256]: what a user sends for each byte; user 0 is nobody and sends nothing."""
    table = torch.zeros(USERS + 1, 256, dtype=torch.complex64)
    table[1:] = ofdm.user_symbols(USERS, _BITS, _BITS_SHARES, carrier.power_spread_db, generator)
    return table.flatten().to(generator.device)


def _users(carrier, slots, generator):
    """uint8 [slots, 12 n_rb]: whose each subcarrier is in each slot, in runs of resource-block groups."""
    group = 2 if carrier.n_rb <= 36 else 4 if carrier.n_rb <= 72 else 8  # TS 38.214 table 5.1.2.2.1-1
    groups = -(-carrier.n_rb // group)
    active = uniform((slots, groups), 0, 1, generator) < carrier.load
    starts = (uniform((slots, groups), 0, 1, generator) < 2 / groups).cumsum(1)
    first = random_bytes((slots, 1), generator).long()
    user = (1 + (first + starts) % USERS) * active
    return user.to(torch.uint8).repeat_interleave(12 * group, dim=1)[:, : 12 * carrier.n_rb]


def _control(carrier, in_frame, grid, generator) -> None:
    """The first symbols of every slot: control channel elements of six blocks, at least one of them, in place."""
    count, width = carrier.control_symbols, grid.shape[-1]
    units = width // 72
    sent = uniform((len(grid), units), 0, 1, generator) < carrier.control_load
    sent[:, int(random_bytes((1,), generator)) % units] = True
    sent = sent.repeat_interleave(72, dim=1)[:, None]
    bits = random_bytes((len(grid), count, 144 * units), generator) % 2
    values = qpsk(bits.float())
    lines = torch.arange(count)
    values[..., 1::4] = references(carrier.cell_id, in_frame[:, None], lines, 18 * units).to(grid.device)
    grid[:, :count] = 0
    grid[:, :count, : 72 * units] = values * sent


def _blocks(carrier, numbers, grid, generator) -> None:
    """Synchronisation blocks in place, where their half frames come."""
    within = numbers % (carrier.period * carrier.slots_per_ms)
    columns = slice(carrier.block_offset, carrier.block_offset + BLOCK_SUBCARRIERS)
    for index, start in enumerate(BLOCK_STARTS[: carrier.blocks]):
        slot, symbol = divmod(start, SLOT_SYMBOLS)
        for row in (within == slot).nonzero().flatten().tolist():
            payload = qpsk((random_bytes((1152,), generator) % 2).float())
            block = synchronisation_block(carrier.cell_id, index, payload.cpu())
            grid[row, symbol : symbol + BLOCK_SYMBOLS, columns] = block.to(grid.device)


def _downlink_symbols(carrier) -> torch.Tensor:
    """int64 [len(pattern)]: downlink symbols of each slot of the pattern."""
    return torch.tensor([{"D": SLOT_SYMBOLS, "S": 10, "U": 0}[kind] for kind in carrier.pattern])


def _first_slot(carrier, generator) -> int:
    """A random downlink slot of 20 ms; half of the time one with a synchronisation block."""
    if float(uniform((), 0, 1, generator)) < 0.5:
        return choice([start // SLOT_SYMBOLS for start in BLOCK_STARTS[: carrier.blocks]], generator)
    pattern = carrier.pattern
    return choice([n for n in range(20 * carrier.slots_per_ms) if pattern[n % len(pattern)] == "D"], generator)
