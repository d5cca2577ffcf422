# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of many recordings share."""
