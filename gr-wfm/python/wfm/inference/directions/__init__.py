# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Direction Finder, and the calibration of its channels."""
