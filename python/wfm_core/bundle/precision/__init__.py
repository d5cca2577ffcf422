# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle in bfloat16 or int8."""
