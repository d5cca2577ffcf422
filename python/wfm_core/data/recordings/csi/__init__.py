# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI of packets as receivers log or send it: a decoder a format, logs, and packets that come alone."""
