# SPDX-License-Identifier: GPL-3.0-or-later
"""What computes a bundle's encoder: PyTorch, or OpenVINO where it is installed."""
