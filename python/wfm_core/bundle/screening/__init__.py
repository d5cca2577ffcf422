# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked at before any of a bundle runs."""
