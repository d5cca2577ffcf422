# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of an evaluation: confusion matrix, CDF of localisation errors, embeddings."""
