# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of waterfalls and of the labels on them, in pictures and on screens. Without Matplotlib."""

import colorsys

SHADES = ((0, 0, 20), (20, 30, 90), (40, 90, 130), (120, 160, 160), (235, 240, 230))
"""Red, green and blue in 0 to 255, from the weakest to the strongest level; none of them is a label's colour."""
_FIRST = ("#ff5a36", "#35d04f", "#ffd21f", "#ff4fd8", "#2ee6e6", "#ff9d1f", "#b58cff", "#a6e22e")
_LEAST_LUMINANCE = 0.4
"""Of 1: black texts on it are readable, and its lines on a dark waterfall are seen. Pure blue has 0.07."""
_GOLDEN = 0.618034
"""Of the circle of hues, between two that follow: no number of them comes near an earlier one soon."""


class LabelColours:
    """One colour a label, in the order in which labels turn up: bright ones, to be seen on dark waterfalls."""

    def __init__(self):
        self._numbers: dict[str, int] = {}

    def of(self, label: str) -> str:
        """As "#rrggbb"."""
        number = self._numbers.setdefault(label, len(self._numbers))
        if number < len(_FIRST):
            return _FIRST[number]
        later = number - len(_FIRST)
        light = (0.6, 0.75, 0.5)[later % 3]
        red, green, blue = colorsys.hls_to_rgb((0.58 + later * _GOLDEN) % 1.0, light, 0.95)
        luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        white = max(0.0, (_LEAST_LUMINANCE - luminance) / (1 - luminance))
        return "#" + "".join(f"{round(255 * (part + white * (1 - part))):02x}" for part in (red, green, blue))
