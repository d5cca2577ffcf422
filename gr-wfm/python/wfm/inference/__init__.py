# SPDX-License-Identifier: GPL-3.0-or-later
"""A foundation model on streams: the engine, its blocks, presets, hot swap, heads that are enrolled."""
