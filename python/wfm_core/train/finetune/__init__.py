# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tuning: what it learns from (a labelled data set, or synthetic scenes), the run, what it leaves."""
