# SPDX-License-Identifier: GPL-3.0-or-later
"""What the examples need around their flowgraphs."""
