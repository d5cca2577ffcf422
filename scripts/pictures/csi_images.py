# SPDX-License-Identifier: GPL-3.0-or-later
"""csi_images.py PNG: draws one generated image of CSI for each activity."""

import sys
from pathlib import Path

import numpy as np

from wfm_core.evaluate.figures.canvas import new_figure, save
from wfm_core.synth import motion

PACKETS = 256
"""Of a window of wfm-activity."""


def main() -> None:
    """One panel an activity; all have the same scale."""
    generator = np.random.default_rng(3)
    figure = new_figure(9, 2.6)
    panels = figure.subplots(1, len(motion.ACTIVITIES), sharey=True)
    for panel, activity in zip(panels, motion.ACTIVITIES, strict=True):
        amplitude = motion.csi_amplitudes(activity, 1, PACKETS, generator)[0, 0]
        level = np.sqrt(np.square(amplitude).mean())
        drawn = panel.imshow(amplitude / level, aspect="auto", origin="lower", vmin=0.3, vmax=1.7, cmap="viridis")
        panel.set(title=activity, xlabel="packet (10 ms)")
    panels[0].set_ylabel("subcarrier")
    figure.colorbar(drawn, ax=panels, label="amplitude over RMS")
    save(Path(sys.argv[1]), figure)


if __name__ == "__main__":
    main()
