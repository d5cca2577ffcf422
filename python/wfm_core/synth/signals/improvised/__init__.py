# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmissions of no standard: modulations with parameters at random, which a model is taught to have no name for.

A model that has seen nothing but its classes is sure of the nearest one whatever it hears. Shown these with the
answer that all classes are as likely (outlier exposure: Hendrycks, Mazeika and Dietterich 2019), it has a reason to be
unsure elsewhere too. What families of classes may be (two-tone FSK and on-off keying at any rate, which telemetry and
remotes use) is not among them, nor is OFDM of more than 400 kHz: cells, drones and broadcasts are such.
"""

from functools import partial

from wfm_core.synth.signals.improvised import waves
from wfm_core.synth.signals.transmission import Generator

_WAVES = {"linear": waves.linear, "tones": waves.tones, "ofdm": waves.ofdm, "sweep": waves.sweep, "comb": waves.comb}
_NARROW = ((150.0, 600.0), (600.0, 3e3), (3e3, 15e3))
_WIDE = ((15e3, 80e3), (80e3, 400e3), (400e3, 2e6), (2e6, 8e6))


_WIDEST_OFDM = 400e3  # Hz


def _kinds(ranges) -> dict[str, Generator]:
    """Each modulation in each range of bandwidth (Hz), which a generator keeps to."""
    return {
        f"{name}-{low:.0f}": partial(wave, low=low, high=high, kind=f"{name}-{low:.0f}")
        for low, high in ranges
        for name, wave in _WAVES.items()
        if name != "ofdm" or high <= _WIDEST_OFDM
    }


KINDS = {"improvised-narrow": _kinds(_NARROW), "improvised-wide": _kinds(_WIDE)}
