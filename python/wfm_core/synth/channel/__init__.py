# SPDX-License-Identifier: GPL-3.0-or-later
"""From sent to received: fading, impairments, the receiver's front end, resampling."""
