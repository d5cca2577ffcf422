# SPDX-License-Identifier: GPL-3.0-or-later
"""Many recordings by many processes, here or on a cluster of Ray: a result file each, and a run that goes on where it
ended."""
