# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples from one computer to another."""
