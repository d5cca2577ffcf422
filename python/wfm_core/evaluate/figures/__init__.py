# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of an evaluation, as PNG: confusion matrix, CDF of localisation errors, embeddings."""

from wfm_core.evaluate.figures.cdf import draw_cdf
from wfm_core.evaluate.figures.confusion import draw_confusion
from wfm_core.evaluate.figures.embeddings import draw_embeddings

__all__ = ["draw_cdf", "draw_confusion", "draw_embeddings"]
