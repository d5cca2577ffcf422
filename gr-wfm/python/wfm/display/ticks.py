# SPDX-License-Identifier: GPL-3.0-or-later
"""Round values along an axis."""

import math

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Multiples of a round step from `low` to `high`, `most` of them at most, and each as text. None for no range."""
    if not (math.isfinite(high - low) and high > low):
        return []
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(step * power for step in _STEPS if step * power >= least)
    places = max(0, 1 - math.floor(math.log10(step) + 1e-9))
    texts = [(n * step, f"{n * step:.{places}f}") for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    # as few digits as tell them apart exactly
    while places and all(text.endswith("0") for _, text in texts):
        places, texts = places - 1, [(value, text[:-1].rstrip(".")) for value, text in texts]
    return texts
