# SPDX-License-Identifier: GPL-3.0-or-later
"""What defines one LTE downlink cell: identity, numerology (TS 36.211 sections 4, 6.2 and 6.12), traffic."""

from dataclasses import dataclass

import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.draws import choice

FFT_SIZES = {6: 128, 15: 256, 25: 512, 50: 1024, 75: 1536, 100: 2048}
SUBCARRIER_SPACING = 15000.0

# TS 36.211 table 4.2-2: downlink, special, uplink.
TDD_CONFIGS = ("DSUUUDSUUU", "DSUUDDSUUD", "DSUDDDSUDD", "DSUUUDDDDD", "DSUUDDDDDD", "DSUDDDDDDD", "DSUUUDSUUD")


@dataclass(frozen=True)
class LteCell:
    """One cell. Powers are per resource element, summed over the ports, relative to a plain data element.

    n_rb             resource blocks: 6, 15, 25, 50, 75 or 100 (1.4 to 20 MHz)
    cell_id          0..503 = 3 * nid1 + nid2
    ports            cell-specific antenna ports: 1, 2 or 4
    duplex           "fdd" or "tdd" (uplink subframes are silent; tdd_config 0..6, TS 36.211 table 4.2-2)
    special_symbols  downlink symbols of a TDD special subframe, 3..12
    load             mean share of the data resource blocks that are sent, 0 (control only) to 1
    burst            0: load is spread evenly over subframes, 1: subframes are either full or idle
    control_load     mean share of the control region that is sent, 0..1
    crs_boost_db     cell-specific reference signals against data elements
    power_spread_db  users' powers lie within plus or minus this
    """

    n_rb: int = 50
    cell_id: int = 0
    ports: int = 1
    extended_cp: bool = False
    duplex: str = "fdd"
    tdd_config: int = 1
    special_symbols: int = 10
    load: float = 1.0
    burst: float = 0.0
    control_load: float = 0.5
    crs_boost_db: float = 0.0
    power_spread_db: float = 0.0

    def __post_init__(self):
        _require(self.n_rb in FFT_SIZES, "n_rb", self.n_rb, "6, 15, 25, 50, 75 or 100")
        _require(0 <= self.cell_id <= 503, "cell_id", self.cell_id, "0 to 503")
        _require(self.ports in (1, 2, 4), "ports", self.ports, "1, 2 or 4")
        _require(self.duplex in ("fdd", "tdd"), "duplex", self.duplex, "fdd or tdd")
        _require(0 <= self.tdd_config <= 6, "tdd_config", self.tdd_config, "0 to 6")
        _require(3 <= self.special_symbols <= 12, "special_symbols", self.special_symbols, "3 to 12")
        for name in ("load", "burst", "control_load"):
            _require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "0 to 1")

    @property
    def nid1(self):
        return self.cell_id // 3

    @property
    def nid2(self):
        return self.cell_id % 3

    @property
    def fft_size(self):
        return FFT_SIZES[self.n_rb]

    @property
    def sample_rate(self):
        """The native rate, Hz."""
        return SUBCARRIER_SPACING * self.fft_size

    @property
    def subcarriers(self):
        return 12 * self.n_rb

    @property
    def occupied_bandwidth(self):
        """Hz, the empty DC subcarrier included."""
        return SUBCARRIER_SPACING * (self.subcarriers + 1)

    @property
    def slot_symbols(self):
        return 6 if self.extended_cp else 7

    @property
    def prefixes(self):
        """Cyclic prefix in native samples of a slot's first symbol and of its others."""
        first, other = (512, 512) if self.extended_cp else (160, 144)
        return first * self.fft_size // 2048, other * self.fft_size // 2048

    @property
    def subframe_samples(self):
        return 15 * self.fft_size

    def downlink_symbols(self, device=None):
        """int64 [10]: how many symbols of each subframe of a frame are downlink, counted from its start."""
        whole = 2 * self.slot_symbols
        if self.duplex == "fdd":
            return torch.full((10,), whole, device=device)
        symbols = {"D": whole, "S": min(self.special_symbols, whole - 2), "U": 0}
        return torch.tensor([symbols[kind] for kind in TDD_CONFIGS[self.tdd_config]], device=device)


def random_cell(generator, n_rb=None):
    """A cell drawn over everything above; `n_rb` fixes the bandwidth.

    Idle and full cells are common off the air, so each end of the load range has a share of its own.
    """

    def draw(low, high):
        return low + (high - low) * float(torch.rand((), generator=generator, device=generator.device))

    return LteCell(
        n_rb=n_rb or choice(tuple(FFT_SIZES), generator),
        cell_id=int(draw(0, 504)),
        ports=choice((1, 2, 4), generator, (0.35, 0.5, 0.15)),
        extended_cp=choice((False, True), generator, (0.95, 0.05)),
        duplex=choice(("fdd", "tdd"), generator, (0.75, 0.25)),
        tdd_config=int(draw(0, 7)),
        special_symbols=int(draw(3, 13)),
        load=choice((0.0, draw(0.0, 1.0), 1.0), generator, (0.2, 0.6, 0.2)),
        burst=choice((0.0, draw(0.0, 1.0)), generator),
        control_load=draw(0.05, 1.0),
        crs_boost_db=choice((0.0, draw(-3.0, 6.0)), generator),
        power_spread_db=choice((0.0, draw(0.0, 6.0)), generator),
    )


def _require(good, name, value, wanted):
    if not good:
        raise WfmError(f"LteCell {name} is {value!r}, want {wanted}: correct {name}.")
