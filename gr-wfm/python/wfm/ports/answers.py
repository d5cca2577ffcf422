# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch's answers say on the message ports of a block, made only where somebody listens."""

import numpy as np
import pmt

from . import keys, messages
from .block import message_block

Tags = list[list[tuple[pmt.pmt_base, pmt.pmt_base]]]
"""Of each window the key and the value of its tags, one a task."""


def shared_fields(windows, latencies: np.ndarray, out_of_range: np.ndarray, origin: str) -> list[pmt.pmt_base]:
    """Of each window what its tasks have in common. `windows` as a source gives them; latencies in seconds, and whether
    the sample rate is out of the bundle's range, one entry each."""
    with np.errstate(divide="ignore"):
        levels = 10 * np.log10(windows.power.astype(np.float64))
    columns = (
        windows.start.tolist(), windows.length.tolist(), windows.rx_time, windows.rx_freq, levels.tolist(),
        latencies.tolist(), out_of_range.tolist(),
    )  # fmt: skip
    bands = windows.bands or [{}] * windows.count
    return [
        messages.facts_dict(messages.WindowFacts(*facts, origin=origin, **band))
        for *facts, band in zip(*columns, bands, strict=True)
    ]


def tags_of(shared: list[pmt.pmt_base], decisions: list[dict]) -> Tags:
    """`shared`: of each window the fields that its tasks have in common."""
    return [
        [(pmt.intern(task), messages.task_dict(fields, decision)) for task, decision in answer.items()]
        for fields, answer in zip(shared, decisions, strict=True)
    ]


def publish_detects(block: message_block, tags: Tags, decisions: list[dict], late: np.ndarray) -> None:
    """`late`: bool [windows], those whose samples had passed before."""
    if not block.has_listeners(keys.DETECTS):
        return
    for is_late, values, answer in zip(late.tolist(), tags, decisions, strict=True):
        for (_, value), (task, decision) in zip(values, answer.items(), strict=True):
            pdu = messages.detects_pdu(task, value, decision, is_late, window_tasks=len(answer))
            block.message_port_pub(keys.DETECTS, pdu)


def publish_embeddings(block: message_block, outputs: dict, shared: list[pmt.pmt_base]) -> None:
    if not block.has_listeners(keys.EMBEDDINGS):
        return
    for name in (name for name in outputs if name.startswith("embedding")):
        for fields, values in zip(shared, outputs[name], strict=False):
            block.message_port_pub(keys.EMBEDDINGS, messages.embedding_pdu(name, fields, values))


def publish_grids(block: message_block, dense: list, outputs: dict, shared: list[pmt.pmt_base]) -> None:
    """`dense`: the tasks of a contract that answer for every pixel."""
    if not dense or not block.has_listeners(keys.GRIDS):
        return
    for task in dense:
        answers = outputs[task.name].argmax(1) if task.labels else outputs[task.name]
        for fields, values in zip(shared, answers, strict=False):
            block.message_port_pub(keys.GRIDS, messages.grid_pdu(task.name, fields, values, task.labels))
