# SPDX-License-Identifier: GPL-3.0-or-later
"""Fine-tuning: of synthetic interference scenes without end, and of labelled data sets."""

from wfm_core.train.finetune.scenes import InterferenceTraining, build_model

__all__ = ["InterferenceTraining", "build_model"]
