# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets from other people's files."""
