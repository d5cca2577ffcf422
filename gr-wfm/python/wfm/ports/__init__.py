# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes through message ports: keys, checked fields, PDUs, and the guard around handlers."""
