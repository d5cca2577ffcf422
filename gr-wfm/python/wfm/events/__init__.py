# SPDX-License-Identifier: GPL-3.0-or-later
"""From one answer a window to events, and where they go: log, publisher, subscriber."""
