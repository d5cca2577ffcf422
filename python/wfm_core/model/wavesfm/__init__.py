# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of the authors: WavesFM v1 and their pretraining, from their weights to networks of ours."""
