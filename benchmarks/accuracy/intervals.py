# SPDX-License-Identifier: GPL-3.0-or-later
"""Confidence intervals of shares."""

import math


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % Wilson score interval of hits / count."""
    share, spread = hits / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
