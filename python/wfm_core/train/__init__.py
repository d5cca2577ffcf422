# SPDX-License-Identifier: GPL-3.0-or-later
"""Training: runs, batches, augmentation, regimes, optimizers."""
