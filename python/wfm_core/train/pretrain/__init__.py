# SPDX-License-Identifier: GPL-3.0-or-later
"""Pretraining: windows from mixed sources, the two objectives, the run and what it leaves behind."""
