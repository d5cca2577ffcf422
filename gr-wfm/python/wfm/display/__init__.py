# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Detection Display: rows, boxes, and the Qt widget that draws them."""
