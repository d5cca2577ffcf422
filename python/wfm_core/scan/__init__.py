# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording, looked through for signals: each found, taken out of the band, and named."""
