# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of a model that tells transmitters apart: episodes, what is measured of them, and the metric."""
