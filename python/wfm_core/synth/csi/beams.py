# SPDX-License-Identifier: GPL-3.0-or-later
"""Soundings at some antennas of a row, and which beam of the whole row is the best: what beam prediction is trained on.

A base station with a row of antennas has receive chains at some of them, ELEMENTS by default: eight of sixteen, between
which every distance of the row is found. Of what these hear, with noise and the flaws of `sounded`, the best of a
codebook's beams (`beam_angles`) is asked for the whole row, by the channel without noise: of the most power,
mean over the band and the soundings.
"""

from collections.abc import Sequence

import torch

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import MOST_BEAMS, beam_angles
from wfm_core.synth.arrays import steering
from wfm_core.synth.csi.cells import sounded
from wfm_core.synth.csi.clusters import SCENARIOS, scenario_channels
from wfm_core.synth.csi.grids import Grid
from wfm_core.synth.csi.windows import CsiWindows

ELEMENTS = (0, 1, 3, 6, 10, 12, 14, 15)
"""Places in the row, half wavelengths."""
BEAMS = 64
MOST_ANTENNAS = 256


def draw_beams(
    count: int,
    grid: Grid,
    packets: int,
    generator: torch.Generator,
    elements: Sequence[int] = ELEMENTS,
    beams: int = BEAMS,
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> CsiWindows:
    """`count` windows of the antennas at `elements` of the row, which ends with the last one.

    `causes` are those of `draw_clusters`, `beam` int64 [count], the best one, and `gain_db` float32 [count, beams], of
    each, over the mean power at one antenna. Raises `WfmError` as that does, and for elements out of order and a
    codebook out of range.
    """
    if list(elements) != sorted(set(elements)) or not elements or elements[0] < 0 or elements[-1] >= MOST_ANTENNAS:
        raise WfmError(
            f"elements {list(elements)}: places in rising order, from 0 to at most {MOST_ANTENNAS - 1}, are expected"
        )
    if not 2 <= beams <= MOST_BEAMS:
        raise WfmError(f"{beams} beams: 2 to {MOST_BEAMS} are expected")
    row = elements[-1] + 1
    channel, times, causes = scenario_channels(count, grid, packets, row, generator, scenarios)
    waves = steering(torch.tensor(beam_angles(beams), device=channel.device), row) / row**0.5
    power = torch.einsum("bank,wa->bwnk", channel, waves.conj()).abs().square().mean((2, 3))
    level = channel.abs().square().mean((1, 2, 3)).unsqueeze(1)
    gain = 10 * torch.log10((power / level).clamp(min=1e-10))
    csi, receiver = sounded(channel[:, list(elements)], times, grid, generator)
    return CsiWindows(csi, times, grid, causes | receiver | {"beam": gain.argmax(1), "gain_db": gain})
