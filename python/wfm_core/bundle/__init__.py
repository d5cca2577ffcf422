# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles: a model and its contract in one file. TorchScript is used behind this package only."""

from wfm_core.bundle.assemble import build_network, weights_sha256
from wfm_core.bundle.bundle import Bundle
from wfm_core.bundle.combine import export_tasks
from wfm_core.bundle.contract import Contract
from wfm_core.bundle.contracts.task import TaskContract
from wfm_core.bundle.export import export_bundle, export_model, read_model_folder, save_model_folder
from wfm_core.bundle.find import find_bundle
from wfm_core.bundle.from_wavesfm import WavesFmOptions, export_wavesfm
from wfm_core.bundle.load import load_bundle
from wfm_core.bundle.parse import draft_contract, parse_contract
from wfm_core.bundle.screening.trial import Trial

__all__ = [
    "Bundle",
    "Contract",
    "TaskContract",
    "Trial",
    "WavesFmOptions",
    "build_network",
    "draft_contract",
    "export_bundle",
    "export_model",
    "export_tasks",
    "export_wavesfm",
    "find_bundle",
    "load_bundle",
    "parse_contract",
    "read_model_folder",
    "save_model_folder",
    "weights_sha256",
]
