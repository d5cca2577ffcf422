# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of a user's own recordings, arrays and tables."""
