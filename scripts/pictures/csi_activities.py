# SPDX-License-Identifier: GPL-3.0-or-later
"""csi_activities.py PNG: draws generated CSI of each activity of `wfm_core.synth.csi`, and of a 5G cell."""

import sys
from pathlib import Path

import torch
from torch import Tensor

from wfm_core.evaluate.figures.canvas import new_figure, save
from wfm_core.synth.csi.activities import ACTIVITIES
from wfm_core.synth.csi.cells import draw_cells
from wfm_core.synth.csi.grids import find_grid
from wfm_core.synth.csi.windows import draw_windows

PACKETS, RATE = 256, 64.0
COLUMNS = 5


def amplitudes(csi: Tensor) -> Tensor:
    """Of the first antenna, over its RMS: [subcarriers, packets]."""
    amplitude = csi[0, 0].abs()
    return amplitude / amplitude.square().mean().sqrt()


def main() -> None:
    """One panel an activity, each in a room of its own; all have the same scale."""
    generator = torch.Generator().manual_seed(11)
    grid = find_grid("atheros-20")
    panels = {}
    for activity in ACTIVITIES:
        settings = {"activities": [activity], "most_people": 1, "rates": (RATE, RATE)}
        panels[activity] = amplitudes(draw_windows(1, grid, PACKETS, (1, 1), generator, **settings).csi)
    generator.manual_seed(5)
    panels["5G cell (CDL or TDL)"] = amplitudes(draw_cells(1, find_grid("srs-104"), PACKETS, 1, generator).csi)
    figure = new_figure(10, 6)
    axes = list(figure.subplots(-(-len(panels) // COLUMNS), COLUMNS).flat)
    for panel, (title, amplitude) in zip(axes, panels.items(), strict=False):
        drawn = panel.imshow(amplitude, aspect="auto", origin="lower", vmin=0.2, vmax=1.8, cmap="viridis")
        panel.set_title(title, fontsize=9)
        panel.tick_params(labelsize=6)
    for panel in axes[len(panels) :]:
        panel.set_axis_off()
    figure.supxlabel("packet (16 ms; of the cell one sounding)")
    figure.supylabel("subcarrier")
    figure.colorbar(drawn, ax=figure.axes, label="amplitude over RMS")
    save(Path(sys.argv[1]), figure)


if __name__ == "__main__":
    main()
