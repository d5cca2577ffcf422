# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of what people do, from generated CSI: windows that are rendered, the run, what it leaves."""
