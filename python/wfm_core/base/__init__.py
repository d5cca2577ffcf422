# SPDX-License-Identifier: GPL-3.0-or-later
"""What everything else stands on: errors, files, devices and precision, places. It imports nothing of ours."""
