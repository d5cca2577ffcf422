# SPDX-License-Identifier: GPL-3.0-or-later
"""What a contract is made of: its fields within limits, and its tasks."""
