# SPDX-License-Identifier: GPL-3.0-or-later
"""From what generated windows were made of to the targets of `train.objectives.known`."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from wfm_core.model import PATCH, SEGMENT
from wfm_core.synth.csi.windows import CsiWindows
from wfm_core.synth.emitters import EMITTERS
from wfm_core.synth.scenes.band import Band
from wfm_core.synth.scenes.devices import Transmitters
from wfm_core.synth.scenes.links import FLAWS, Links
from wfm_core.train.objectives.known import CAUSES

Scene = Band | Links | CsiWindows


@dataclass
class Known:
    """Prepared `windows` [B, ...] and their `causes`, by name."""

    windows: Tensor
    causes: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, rows: Tensor) -> "Known":
        return Known(self.windows[rows], {name: values[rows] for name, values in self.causes.items()})

    @property
    def device(self) -> torch.device:
        return self.windows.device


def joined(parts: Sequence[Tensor] | Sequence[Known]) -> Tensor | Known:
    """One after another, along the windows."""
    if isinstance(parts[0], Tensor):
        return torch.cat(parts)
    causes = {name: torch.cat([part.causes[name] for part in parts]) for name in parts[0].causes}
    return Known(torch.cat([part.windows for part in parts]), causes)


def as_batch(windows: dict[str, Tensor | Known], index: Tensor) -> tuple:
    """A batch as objectives take it: windows, numbers, and where they are known the causes, by modality."""
    known = {modality: part.causes for modality, part in windows.items() if isinstance(part, Known)}
    if not known:
        return windows, index
    bare = {modality: part.windows if isinstance(part, Known) else part for modality, part in windows.items()}
    return bare, index, known


def with_causes(modality: str, windows: Tensor, scene: Scene | None) -> Known:
    """Prepared windows and all causes that there are of their modality: what the scene that they are of does not know,
    or where there is none, as unknown."""
    grid = _grid(modality, windows)
    there = {} if scene is None else _OF[type(scene)](scene, modality, grid)
    unknown = {
        name: cause.unknown(len(windows), grid[0] * grid[1], windows.device) for name, cause in CAUSES[modality].items()
    }
    return Known(windows, unknown | {name: values.to(windows.device) for name, values in there.items()})


def _grid(modality: str, windows: Tensor) -> tuple[int, int]:
    """Rows in time and columns in frequency of the tokens' places; of IQ one column."""
    if modality == "iq":
        return windows.shape[-1] // SEGMENT, 1
    return windows.shape[-2] // PATCH, windows.shape[-1] // PATCH


def of_band(band: Band, modality: str, grid: tuple[int, int]) -> dict[str, Tensor]:
    """`kinds`: which are present; `kinds_at`: where; `emitters`: how many; `snr`: of the strongest, (dB - 15) / 10;
    `edges`: lower and upper of the only one, in halves of the band; `sample_rate`: log10 of it over 5 MHz."""
    emitters, device = band.emitters, band.iq.device
    most = emitters.lower.shape[1]
    number = torch.tensor([[*map(_KINDS.index, names), *[-1] * (most - len(names))] for names in band.kinds])
    kinds = functional.one_hot(number.to(device) + 1, len(_KINDS) + 1)[..., 1:].float()  # [B, E, kinds]
    count = (number >= 0).sum(1).to(device)
    on = functional.adaptive_max_pool1d(emitters.on.float(), grid[0])  # [B, E, rows]
    if modality == "iq":
        inside = torch.ones(*on.shape[:2], 1, device=device)
    else:
        low = torch.arange(grid[1], device=device) / grid[1] - 0.5
        there = (emitters.upper.unsqueeze(2) > low) & (emitters.lower.unsqueeze(2) < low + 1 / grid[1])
        inside = there.float()  # [B, E, columns]
    at = torch.einsum("bek,ber,bec->brck", kinds, on, inside).clamp(max=1).flatten(1, 2)
    strongest = emitters.snr_db.nan_to_num(-torch.inf, neginf=-torch.inf).amax(1, keepdim=True)
    alone = (count == 1).unsqueeze(1)
    edges = torch.stack([emitters.lower[:, 0], emitters.upper[:, 0]], 1) * 2
    return {
        "kinds": kinds.amax(1),
        "kinds_at": at,
        "emitters": count,
        "snr": torch.where(strongest > -torch.inf, (strongest - 15) / 10, torch.nan),
        "edges": torch.where(alone, edges, torch.nan),
        "sample_rate": _rate(band.sample_rate),
    }


def of_links(links: Links, modality: str, grid: tuple[int, int]) -> dict[str, Tensor]:
    """Those of `Links.causes` that there are: `snr` (dB - 15) / 10; `symbol_rate` -log2 of a symbol's samples over 8;
    `carrier_offset` over 3 % of the rate; `sir` dB / 7; `flaws`: see `_flaws`; and `sample_rate` as of bands."""
    found = links.causes
    targets = {name: found[name] for name in ("modulation", "interference", "transmitter") if name in found}
    targets |= {name: scaled(found[of]).unsqueeze(1) for name, (of, scaled) in _SCALED.items() if of in found}
    if "flaws" in found:
        targets["flaws"] = _flaws(found["flaws"])
    return targets | {"sample_rate": _rate(links.sample_rate)}


def of_csi(csi: CsiWindows, modality: str, grid: tuple[int, int]) -> dict[str, Tensor]:
    """Those of `CsiWindows.causes`: places and sizes of rooms from their means, over their spread; 2, 2, 3 and 1 times
    the log10 of 1 + the speed in m/s, of the delay spread over 50 ns, of the carrier over 3 GHz, of the rate of packets
    over 100 Hz; the log10 of 1 + the Doppler spread in Hz; the sine of the angle; (dB - 25) / 10."""
    found = csi.causes

    def over(name: str, mean: list[float], spread: list[float]) -> Tensor:
        return (found[name] - found[name].new_tensor(mean)) / found[name].new_tensor(spread)

    numbers = {
        "position": over("position", [3.3, 2.7, 1.1], [2.0, 1.6, 0.35]),
        "room": over("size", [6.5, 5.5, 2.9], [2.0, 1.5, 0.3]),
        "speed": 2 * (1 + found["speed"]).log10(),
        "delay_spread": 2 * (found["delay_spread"].clamp(min=1e-10) / 50e-9).log10(),
        "doppler_spread": (1 + found["doppler_spread"]).log10(),
        "angle_of_arrival": found["angle_of_arrival"].sin(),
        "csi_snr": (found["snr_db"] - 25) / 10,
        "carrier": 3 * (found["carrier"] / 3e9).log10(),
        "packet_rate": (found["packet_rate"] / 100).log10(),
    }
    targets = {name: values if values.dim() == 2 else values.unsqueeze(1) for name, values in numbers.items()}
    classes = {name: found[name].long() for name in ("activity", "people", "line_of_sight")}
    return targets | classes


_KINDS = list(EMITTERS)
_SCALED = {
    "snr": ("snr_db", lambda decibels: (decibels - 15) / 10),
    "symbol_rate": ("symbol_samples", lambda samples: -(samples / 8).log2()),
    "carrier_offset": ("carrier_offset", lambda offset: offset / 0.03),
    "sir": ("sir_db", lambda decibels: decibels / 7),
}
_OF = {Band: of_band, Links: of_links, CsiWindows: of_csi}


def _rate(sample_rate: Tensor) -> Tensor:
    return (sample_rate / 5e6).log10().unsqueeze(1)


def _flaws(flaws: Transmitters) -> Tensor:
    """[B, flaws], each over the spread that transmitters have; the phase of the leakage, which goes round, as its
    sine."""
    scaled = {
        "carrier_offset": flaws.carrier_offset / 35e3,
        "linewidth": (flaws.linewidth / 17).log10(),
        "iq_gain_db": flaws.iq_gain_db / 0.6,
        "iq_phase_deg": flaws.iq_phase_deg / 3,
        "leakage_dbc": (flaws.leakage_dbc + 27) / 7,
        "leakage_phase": flaws.leakage_phase.sin(),
        "compression": (flaws.compression - 0.06) / 0.035,
        "rotation": flaws.rotation / 0.06,
    }
    return torch.stack([scaled[name] for name in FLAWS], 1)
