# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of wfm-monitor: what radios say, live in a browser."""

DEFAULT_ADDRESS = "127.0.0.1:5730"
