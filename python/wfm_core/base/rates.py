# SPDX-License-Identifier: GPL-3.0-or-later
"""When two sample rates are one."""

RATE_TOLERANCE = 1e-6
"""Two rates that differ by less than this share are one rate, rounded: an oscillator is off by more."""


def same_rate(one: float, other: float) -> bool:
    """Are two sample rates (Hz) one, but for rounding?"""
    return abs(one - other) <= RATE_TOLERANCE * max(abs(one), abs(other))
