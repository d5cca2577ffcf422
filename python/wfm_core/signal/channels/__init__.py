# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel estimates as images: by delay, by direction, between pilots."""
