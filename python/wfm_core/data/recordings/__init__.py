# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of every kind: SigMF, raw, WAV, archives, collections, and annotations in them."""
