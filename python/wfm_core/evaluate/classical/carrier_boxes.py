# SPDX-License-Identifier: GPL-3.0-or-later
"""Carriers in images of bands without a network: energy over a threshold, in boxes, named by their width."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

_SMOOTH = (3, 5)
"""Pixels that are averaged, rows and columns."""
_PAUSE = 13
"""Columns that a carrier may be silent, 1 ms."""
_LEAST = 30
"""Pixels of a box at least."""
_THRESHOLDS = np.arange(0.5, 6.1, 0.5)


class CarrierBoxes:
    """Pixels of one class a box, learnt from `images` float32 [N, rows, columns] in dB over the noise and their classes
    `label` uint8 alike, of which 0 is nothing.

    Smoothed images are compared with a threshold, pauses closed; each connected part is filled to a box, whose class is
    the one that boxes of so many rows had most often. Of the thresholds the one with the best share of pixels right
    between something and nothing (intersection over union) is kept.
    """

    def __init__(self, images: Sequence[np.ndarray], label: Sequence[np.ndarray]):
        rows = images[0].shape[0]
        counts = np.zeros((rows + 1, int(max(one.max() for one in label)) + 1))
        for one in label:
            for number in range(1, counts.shape[1]):
                for box in ndimage.find_objects(ndimage.label(one == number)[0]):
                    counts[box[0].stop - box[0].start, number] += 1
        near = ndimage.gaussian_filter1d(counts, 0.7, axis=0)
        self._class = 1 + near[:, 1:].argmax(1)
        self.threshold = max(_THRESHOLDS, key=lambda threshold: self._agreement(images, label, threshold))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """The classes of one image's pixels, uint8 [rows, columns]."""
        return self._boxes(image, self.threshold)

    def _boxes(self, image: np.ndarray, threshold: float) -> np.ndarray:
        over = ndimage.uniform_filter(image, _SMOOTH) > threshold
        parts, _ = ndimage.label(ndimage.binary_closing(np.pad(over, ((0, 0), (_PAUSE, _PAUSE))), np.ones((1, _PAUSE))))
        found = np.zeros(image.shape, np.uint8)
        for box in ndimage.find_objects(parts[:, _PAUSE:-_PAUSE]):
            if box is not None and found[box].size >= _LEAST:
                found[box] = self._class[box[0].stop - box[0].start]
        return found

    def _agreement(self, images, label, threshold: float) -> float:
        pairs = [(self._boxes(image, threshold) > 0, one > 0) for image, one in zip(images, label, strict=True)]
        both, either = (sum(int(of(a, b).sum()) for a, b in pairs) for of in (np.logical_and, np.logical_or))
        return both / max(either, 1)
