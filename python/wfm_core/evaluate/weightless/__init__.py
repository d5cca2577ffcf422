# SPDX-License-Identifier: GPL-3.0-or-later
"""Formulas in the place of models."""
