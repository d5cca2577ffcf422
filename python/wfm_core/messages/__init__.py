# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions and events as JSON: lines in files, messages on sockets."""
