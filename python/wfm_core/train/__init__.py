# SPDX-License-Identifier: GPL-3.0-or-later
"""Training: the runner, objectives, regimes, optimizers; pretraining, fine-tuning, and the probe of a foundation.

Whatever trains for long goes through `runner`, the one place that makes Lightning's trainer; what takes seconds through
`fitting`, a plain loop. Batches are made where it is known what of: in `pretrain.sets`, `finetune.data`,
`finetune.scenes`.
"""
