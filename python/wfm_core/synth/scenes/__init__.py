# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole scenes, seeded, with their truth: interference, bands, devices, a room, motion."""
