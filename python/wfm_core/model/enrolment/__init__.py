# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind enrolled classes (`wfm_core.model.prototypes`): thresholds, cohort, clusters, the file."""
