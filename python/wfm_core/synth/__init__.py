# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeded synthetic signals, channels and receivers, vectorised in torch on any device."""
