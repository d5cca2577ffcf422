# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches that are ready, for Lightning."""

import torch


class ReadyBatches(torch.utils.data.Dataset):
    """A list of ready batches as a dataset, so that Lightning passes them through as they are."""

    def __init__(self, batches: list):
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]
