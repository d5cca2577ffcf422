# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a model is: metrics, intervals, calibration, tables, figures."""
