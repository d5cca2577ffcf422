# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels between a base station and terminals, each of clusters of its own: TR 38.901, 7.5, not one of five tables.

Where `cells` scales the clusters of five fixed delay lines, here every channel draws its own: spreads and K-factor
(table 7.5-6), delays (step 5), powers (6), azimuths (7) and the pairing of rays (8), of a scenario with or without line
of sight. So a network that is asked whether there is one cannot know the tables by heart. Left out: correlations of
spreads and K-factor, zenith angles, polarisation, sub-clusters, path loss. Antennas of the base station stand in a row,
half a wavelength apart; the direct path leaves anywhere within `SECTOR`; the terminal goes straight on.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.synth.csi.cells import RAYS, draw_soundings, sounded, summed
from wfm_core.synth.csi.grids import Grid
from wfm_core.synth.csi.profiles import RAY_OFFSETS
from wfm_core.synth.csi.rooms import LIGHT
from wfm_core.synth.csi.windows import CsiWindows
from wfm_core.synth.draws import log_uniform, uniform

SECTOR = 60.0
"""Degrees from straight ahead that a terminal is away to either side at most."""
SPEEDS = (0.5, 30.0)
"""Of terminals, m/s."""
_WIDEST = 104.0  # degrees that an azimuth spread has at most (7.5, step 4)
_WEAKEST = 10 ** (-25 / 10)  # of the strongest cluster; those below are left out (step 6)


@dataclass(frozen=True)
class LogNormal:
    """The logarithm to base 10 has this mean and this deviation, and so much more of either for each unit of the
    logarithm of the carrier, see `Scenario`."""

    mean: float
    mean_slope: float
    deviation: float
    deviation_slope: float = 0.0

    def draw(self, frequency: Tensor, generator: torch.Generator) -> Tensor:
        """One value for each log frequency [B]."""
        normal = torch.randn(frequency.shape, generator=generator, device=frequency.device)
        deviation = self.deviation + self.deviation_slope * frequency
        return 10 ** (self.mean + self.mean_slope * frequency + deviation * normal)


@dataclass(frozen=True)
class Scenario:
    """A column of table 7.5-6. `delay_spread` in s, spreads of azimuth in degrees at base station (`departure`) and
    terminal (`arrival`); `ricean`: mean and deviation of the K-factor in dB, None without line of sight;
    `proportion`: r_tau; `shadowing` of each cluster, dB; `within`: c_ASD and c_ASA, degrees; `scale`: C_phi of so many
    clusters (table 7.5-2). The carrier's logarithm is that of 1 + f/GHz, or of f/GHz, at least `lowest`.
    """

    clusters: int
    scale: float
    delay_spread: LogNormal
    departure: LogNormal
    arrival: LogNormal
    ricean: tuple[float, float] | None
    proportion: float
    shadowing: float
    within: tuple[float, float]
    lowest: float | None = None

    def frequency(self, carrier: Tensor) -> Tensor:
        ghz = carrier / 1e9
        return torch.log10(1 + ghz if self.lowest is None else ghz.clamp(min=self.lowest))


SCENARIOS = {
    "umi-los": Scenario(
        12, 1.146, LogNormal(-7.14, -0.24, 0.38), LogNormal(1.21, -0.05, 0.41), LogNormal(1.73, -0.08, 0.28, 0.014),
        (9.0, 5.0), 3.0, 3.0, (3.0, 17.0),
    ),
    "umi-nlos": Scenario(
        19, 1.273, LogNormal(-6.83, -0.24, 0.28, 0.16), LogNormal(1.53, -0.23, 0.33, 0.11),
        LogNormal(1.81, -0.08, 0.3, 0.05), None, 2.1, 3.0, (10.0, 22.0),
    ),
    "uma-los": Scenario(
        12, 1.146, LogNormal(-6.955, -0.0963, 0.66), LogNormal(1.06, 0.1114, 0.28), LogNormal(1.81, 0.0, 0.2),
        (9.0, 3.5), 2.5, 3.0, (5.0, 11.0), 6.0,
    ),
    "uma-nlos": Scenario(
        20, 1.289, LogNormal(-6.28, -0.204, 0.39), LogNormal(1.5, -0.1144, 0.28), LogNormal(2.08, -0.27, 0.11),
        None, 2.3, 3.0, (2.0, 15.0), 6.0,
    ),
    "indoor-los": Scenario(
        15, 1.211, LogNormal(-7.692, -0.01, 0.18), LogNormal(1.6, 0.0, 0.18), LogNormal(1.781, -0.19, 0.119, 0.12),
        (7.0, 4.0), 3.6, 6.0, (5.0, 8.0),
    ),
    "indoor-nlos": Scenario(
        19, 1.273, LogNormal(-7.173, -0.28, 0.055, 0.1), LogNormal(1.62, 0.0, 0.25),
        LogNormal(1.863, -0.11, 0.059, 0.12), None, 3.0, 3.0, (5.0, 11.0),
    ),
}  # fmt: skip
"""Urban micro (street canyon) and macro cells, and indoor offices, each with line of sight and without."""


def cluster_channel(
    scenario: str, carrier: Tensor, times: Tensor, offsets: Tensor, antennas: int, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Channels of mean power 1, complex64 [B, antennas, moments, subcarriers], and their causes; carriers [B] Hz,
    times [B, moments] s, subcarriers at `offsets` Hz from the carrier.

    Causes: `line_of_sight` bool, `ricean_db` (NaN without), `delay_spread` s and `angle_spread` degrees as drawn,
    `direction` of the terminal in degrees, `speed` m/s. Raises `WfmError` for an unknown scenario.
    """
    if scenario not in SCENARIOS:
        raise WfmError(f"no scenario {scenario!r}: expected one of {', '.join(SCENARIOS)}")
    of, count = SCENARIOS[scenario], len(times)

    def draw(low, high, *shape):
        return uniform((count, *shape), low, high, generator)

    def normal(*shape):
        return torch.randn((count, *shape), generator=generator, device=times.device)

    frequency = of.frequency(carrier)
    spread = of.delay_spread.draw(frequency, generator)
    departing = of.departure.draw(frequency, generator).clamp(max=_WIDEST)
    arriving = of.arrival.draw(frequency, generator).clamp(max=_WIDEST)
    seen = of.ricean is not None
    k_db = of.ricean[0] + of.ricean[1] * normal() if seen else torch.full((count,), torch.nan, device=times.device)

    # 5: in units of the spread; the K-factor stretches them afterwards
    delay = -of.proportion * (1 - draw(0.0, 1.0, of.clusters)).log()
    delay = (delay - delay.amin(1, keepdim=True)).sort(1).values
    # 6
    power = (-delay * (1 - 1 / of.proportion)).exp() * 10 ** (-of.shadowing * normal(of.clusters) / 10)
    power = power / power.sum(1, keepdim=True)
    # 7, of powers in which the direct path counts
    first = torch.arange(of.clusters, device=times.device) == 0
    ratio = 10 ** (k_db / 10)[:, None] if seen else torch.zeros(count, 1, device=times.device)
    counted = power / (1 + ratio) + first * ratio / (1 + ratio)
    scale = torch.full_like(spread, of.scale)
    if seen:
        scale = scale * (1.1035 - 0.028 * k_db - 0.002 * k_db**2 + 0.0001 * k_db**3)
        delay = delay / (0.7705 - 0.0433 * k_db + 0.0002 * k_db**2 + 0.000017 * k_db**3)[:, None]
    power = torch.where(counted >= _WEAKEST * counted.amax(1, keepdim=True), power, 0.0)
    apart = 2 / 1.4 * (-(counted / counted.amax(1, keepdim=True)).log()).sqrt() / scale[:, None]

    def azimuths(spread: Tensor, middle: Tensor, within: float) -> Tensor:
        side = torch.where(draw(0, 1, of.clusters) < 0.5, -1.0, 1.0)
        angle = spread[:, None] * (side * apart + normal(of.clusters) / 7)
        if seen:
            angle = angle - angle[:, :1]
        offset = torch.tensor(RAY_OFFSETS, device=times.device)
        rays = within * torch.cat([offset, -offset])
        return torch.deg2rad(angle + middle[:, None])[..., None] + torch.deg2rad(rays)

    direction, ahead = draw(-SECTOR, SECTOR), draw(-180.0, 180.0)
    leaving = azimuths(departing, direction, of.within[0])
    coming = azimuths(arriving, ahead, of.within[1])
    # 8: which ray at one end is which at the other
    coming = coming.gather(2, draw(0, 1, of.clusters, RAYS).argsort(2))
    strength = (power / (1 + ratio) / RAYS).sqrt()[..., None].expand(-1, -1, RAYS)
    if seen:  # the direct path is one ray
        leaving, coming = (_with_direct(x, torch.deg2rad(y)) for x, y in ((leaving, direction), (coming, ahead)))
        delay = torch.cat([torch.zeros(count, 1, device=times.device), delay], 1)
        alone = torch.zeros(count, 1, RAYS, device=times.device)
        alone[:, 0, 0] = (ratio / (1 + ratio)).sqrt()[:, 0]
        strength = torch.cat([alone, strength], 1)
    strength = strength / strength.square().sum((1, 2), keepdim=True).sqrt()
    speed = log_uniform((count,), *SPEEDS, generator)
    course = draw(-math.pi, math.pi)[:, None, None]
    doppler = (speed * carrier / LIGHT)[:, None, None] * torch.cos(coming - course)
    line = torch.arange(antennas, device=times.device).view(1, -1, 1, 1) / 2
    phase = draw(0.0, 1.0, 1, *leaving.shape[1:]) + line * leaving.sin().unsqueeze(1)
    channel = summed(phase, doppler, strength, delay * spread[:, None], times, offsets)
    return channel, {
        "line_of_sight": torch.full((count,), seen, device=times.device),
        "ricean_db": k_db,
        "delay_spread": spread,
        "angle_spread": departing,
        "direction": direction,
        "speed": speed,
    }


def _with_direct(rays: Tensor, direct: Tensor) -> Tensor:
    """Angles of rays [B, C, RAYS] behind those of the direct path [B], as a cluster of its own."""
    return torch.cat([direct[:, None, None].expand(-1, 1, RAYS), rays], 1)


def draw_clusters(
    count: int,
    grid: Grid,
    packets: int,
    antennas: int,
    generator: torch.Generator,
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> CsiWindows:
    """`count` windows of `packets` soundings by terminals at a base station of `antennas`, of all `scenarios` alike
    often, as calibrated receivers report them: see `sounded`.

    `causes` are those of `cluster_channel`, `scenario` int64 (of SCENARIOS), `carrier` Hz, and what the receiver adds.
    Raises `WfmError` for sizes below 1 (packets: 2) and unknown scenarios.
    """
    channel, times, causes = scenario_channels(count, grid, packets, antennas, generator, scenarios)
    csi, receiver = sounded(channel, times, grid, generator)
    return CsiWindows(csi, times, grid, causes | receiver)


def scenario_channels(
    count: int, grid: Grid, packets: int, antennas: int, generator: torch.Generator, scenarios: Sequence[str]
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """What `draw_clusters` draws before any receiver: channels complex64 [count, antennas, packets, subcarriers], times
    [count, packets] s and causes."""
    if min(count, antennas) < 1 or packets < 2 or not scenarios:
        raise WfmError(
            f"{count} windows of {packets} soundings, {antennas} antennas, {len(scenarios)} scenarios: 1 or more and 2 "
            "or more soundings are expected"
        )
    carrier, times = draw_soundings(count, grid, packets, generator)
    chosen = torch.randint(len(scenarios), (count,), generator=generator, device=generator.device)
    channel = torch.empty(count, antennas, packets, len(grid), dtype=torch.complex64, device=generator.device)
    causes: dict[str, Tensor] = {}
    for number, name in enumerate(scenarios):
        rows = (chosen == number).nonzero()[:, 0]
        channel[rows], own = cluster_channel(
            name, carrier[rows], times[rows], grid.offsets(times.device), antennas, generator
        )
        for cause, values in own.items():
            causes.setdefault(cause, values.new_empty(count))[rows] = values
    known = torch.tensor([list(SCENARIOS).index(name) for name in scenarios], device=generator.device)
    return channel, times, causes | {"scenario": known[chosen], "carrier": carrier}
