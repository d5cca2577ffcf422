# SPDX-License-Identifier: GPL-3.0-or-later
"""A foundation model on images that come as messages, such as CSI."""
