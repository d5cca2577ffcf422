# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frequencies a receiver reports: the subcarriers of standards, as CSI tools give them.

Sources of the indices:

- Intel 5300 (Linux 802.11n CSI Tool): 30 groups of subcarriers of the CSI report of IEEE Std 802.11n-2009, 7.3.1.27:
  every second one at 20 MHz (Ng = 2), every fourth at 40 MHz (Ng = 4); signed 8-bit parts.
- Atheros QCA9300 (Atheros CSI Tool, PicoScenes): every subcarrier of HT20 and HT40 (IEEE Std 802.11n-2009, 20.3.7: -28
  to 28 and -58 to 58 without those at 0 Hz); signed 10-bit parts.
- ESP32 (ESP-IDF programming guide, Wi-Fi channel state information): 64 bins of the legacy long training field, of
  which 52 are used (IEEE Std 802.11-2020, 17.3.5.10: -26 to 26 without 0); signed 8-bit parts. Here in rising order.
- Broadcom (Nexmon CSI): all 256 bins of an 80 MHz channel, of which VHT uses -122 to -2 and 2 to 122 (IEEE Std
  802.11ac-2013, 22.3.7).
- VHT160: the two 80 MHz halves of IEEE Std 802.11ac-2013, 22.3.7, 484 subcarriers.
- SRS of 5G NR (TS 38.211, 6.4.1.4): one value a resource block (12 subcarriers); the numbers of blocks are three
  of those that table 6.4.1.4.3-1 allows (m_SRS,0).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError

WIFI_SPACING = 312_500.0
"""Hz between subcarriers of OFDM, HT and VHT."""


@dataclass(frozen=True)
class Grid:
    """Subcarriers at `spacing` * `indices` Hz from the carrier, in rising order.

    `used`: those that carry something (the others report the receiver's noise); `bits`: of each reported part, 0 for
    floating point; `carriers`: Hz, lowest and highest of each band it is used in.
    """

    name: str
    spacing: float
    indices: tuple[int, ...]
    used: frozenset[int]
    bits: int
    carriers: tuple[tuple[float, float], ...]

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def bandwidth(self) -> float:
        """Hz from the lowest to the highest subcarrier."""
        return self.spacing * (self.indices[-1] - self.indices[0])

    def offsets(self, device: torch.device | str = "cpu") -> Tensor:
        """Hz from the carrier, float32 [subcarriers]."""
        return self.spacing * torch.tensor(self.indices, dtype=torch.float32, device=device)

    def mask(self, device: torch.device | str = "cpu") -> Tensor:
        """Which carry something, bool [subcarriers]."""
        return torch.tensor([index in self.used for index in self.indices], device=device)


def _around(first: int, last: int, step: int = 1) -> tuple[int, ...]:
    """-last to -first and first to last; the outermost ones are there whatever the step is."""
    above = sorted({*range(first, last, step), last})
    return (*(-index for index in reversed(above)), *above)


_2G4, _5G = (2.412e9, 2.472e9), (5.18e9, 5.825e9)
_VHT160 = (*range(-250, -129), *range(-126, -5), *range(6, 127), *range(130, 251))


def _wifi(name: str, indices, bits: int, carriers, used=None) -> Grid:
    return Grid(name, WIFI_SPACING, tuple(indices), frozenset(used or indices), bits, carriers)


def _srs(name: str, blocks: int, spacing: float) -> Grid:
    indices = tuple(range(-(blocks // 2), blocks - blocks // 2))
    return Grid(name, 12 * spacing, indices, frozenset(indices), 0, ((3.3e9, 3.8e9),))


WIFI = {
    grid.name: grid
    for grid in (
        _wifi("intel5300-20", (*range(-28, -1, 2), -1, *range(1, 28, 2), 28), 8, (_2G4, _5G)),
        _wifi("intel5300-40", _around(2, 58, 4), 8, (_2G4, _5G)),
        _wifi("legacy-20", _around(1, 26), 8, (_2G4, _5G)),
        _wifi("atheros-20", _around(1, 28), 10, (_2G4, _5G)),
        _wifi("esp32-20", range(-32, 32), 8, (_2G4,), _around(1, 26)),
        _wifi("atheros-40", _around(2, 58), 10, (_2G4, _5G)),
        _wifi("nexmon-80", range(-128, 128), 0, (_5G,), _around(2, 122)),
        _wifi("vht-160", _VHT160, 0, ((5.25e9, 5.57e9),)),
    )
}
"""Grids of Wi-Fi receivers by name."""
SRS = {grid.name: grid for grid in (_srs("srs-32", 32, 15e3), _srs("srs-104", 104, 30e3), _srs("srs-272", 272, 30e3))}
"""Grids of 5G NR sounding reference signals by name: 5.8, 37 and 98 MHz."""
GRIDS = WIFI | SRS


def find_grid(name: str) -> Grid:
    """The grid of that name; raises `WfmError`."""
    if name not in GRIDS:
        raise WfmError(f"no grid {name!r} of subcarriers; expected one of {', '.join(GRIDS)}")
    return GRIDS[name]
