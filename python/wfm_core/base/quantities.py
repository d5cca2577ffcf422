# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks measure in place of naming it: a kind of task for each quantity, its unit, and how answers are told. The
kinds of task that answer for every pixel; and the directions that the classes of beams stand for."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """`values` numbers in `unit` are a model's answer; at least `fewest` of them are one from elsewhere, such as places
    on a plane. `label` says in an error what they are. With `several` they are as many things of one kind, in rising
    order: in arrays those that are not there are NaN, after the others; a decision leaves them out. Without
    `labelled` there are no data sets with labels of it."""

    unit: str
    values: int
    fewest: int
    label: str
    several: bool = False
    labelled: bool = True


QUANTITIES = {
    "position": Quantity("m", 3, 1, "x y z in metres"),
    "angle": Quantity("deg", 1, 1, "degrees from straight ahead"),
    "angles": Quantity("deg", 3, 0, "degrees from straight ahead of each source, rising", several=True, labelled=False),
    "chart": Quantity("units", 2, 2, "x y on a map that was learnt without places", labelled=False),
}
"""By the kind of task, which is the key of the numbers in a decision too: {"position": [x, y, z]}, {"angle": [a]}."""

ESTIMATE = "channel_estimate"
"""The channel over a grid of subcarriers and symbols, of what was measured at pilots: real parts, then imaginary."""
SEGMENTATION = "segmentation"
"""A class for each pixel."""
DENSE = (ESTIMATE, SEGMENTATION)
"""Kinds of task whose answer is a grid, not one answer a window."""

MEASURED_BY = {**{name: name for name, quantity in QUANTITIES.items() if quantity.labelled}, "uwb_position": "position"}
"""What each task of data sets measures that names nothing."""

MOST_BEAMS = 1024


def beam_angles(beams: int) -> list[float]:
    """The directions of a codebook of `beams` in degrees from straight ahead: evenly from -90 to just under 90, as the
    beam at 90 degrees of a row of antennas half a wavelength apart is the one at -90."""
    return [-90 + 180 * number / beams for number in range(beams)]


def measured_in(decision: Mapping) -> str:
    """The quantity that a decision has; "" of one that names something."""
    return next((name for name in QUANTITIES if name in decision), "")


def shown(decision: Mapping, width: int = 0) -> str:
    """The numbers of a decision that measures, each with its unit and at least `width` characters wide; "none" of no
    number."""
    name = measured_in(decision)
    return " ".join(f"{value:{width}.2f} {QUANTITIES[name].unit}" for value in decision[name]) or "none"
