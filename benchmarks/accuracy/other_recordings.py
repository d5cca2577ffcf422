# SPDX-License-Identifier: GPL-3.0-or-later
"""How many windows of real recordings of other technologies than LTE are called interference, by label.

    python benchmarks/accuracy/other_recordings.py --bundle wfm-interference [--json FILE]

Reads tech, ism and air of $WFM_REALDATA (default ../shared/realdata), of air what its labels.csv calls of kind air: the
others are demodulated or generated. All windows side by side, single and pooled over 131072 samples (or what there is).
The recordings are for evaluation only.
"""

import argparse
import csv
import json
import os
from pathlib import Path

import numpy as np
from lte_recordings import POOL, cell, found, load, windows_of

from wfm_core.base.errors import WfmError
from wfm_core.bundle.pooling import judge_of_blocks
from wfm_core.data.recordings.recording import open_recording

FOLDERS = ("tech", "ism", "air")


def labels_of(folder: Path) -> dict[str, str]:
    """The label of each recording, by its name, that was received off the air or through a cable."""
    with (folder / "labels.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {row.get("file") or row["name"]: row["label"] for row in rows if row.get("kind", "air") == "air"}


def judged(bundle, judge, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Whether each window, by `bundle`, and each block, by `judge`, is called interference; a short one has none."""
    samples = bundle.contract.samples
    if open_recording(path).samples < samples:
        return np.zeros(0, bool), np.zeros(0, bool)
    windows, _ = windows_of(path, samples)
    blocks = [block.transpose(0, 1).flatten(1)[None] for block in windows.split(POOL // samples)]
    return found(bundle, windows), np.concatenate([found(judge, block) for block in blocks])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="wfm-interference")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    bundle = load(arguments.bundle)
    judge = judge_of_blocks(bundle, load)
    root = Path(os.environ.get("WFM_REALDATA", "../shared/realdata"))
    results: dict[str, list[tuple[str, np.ndarray, np.ndarray]]] = {}
    for folder in FOLDERS:
        for name, label in labels_of(root / folder).items():
            single, pooled = judged(bundle, judge, root / folder / f"{name}.sigmf-meta")
            results.setdefault(f"{folder}: {label}", []).append((name, single, pooled))
    if not any(len(single) for recordings in results.values() for _, single, _ in recordings):
        raise WfmError(f"{root} has no recording of {bundle.contract.samples} samples; set WFM_REALDATA")
    print("| recordings of | recordings | windows | called interference | blocks | pooled |")
    print("|---" * 6 + "|")
    for label, recordings in results.items():
        print(row(label, recordings), flush=True)
    everything = [one for recordings in results.values() for one in recordings]
    print(row("all", everything))
    if arguments.json:
        shares = {name: float(single.mean()) for name, single, _ in everything if len(single)}
        arguments.json.write_text(json.dumps(shares, indent=1))


def row(label: str, recordings: list[tuple[str, np.ndarray, np.ndarray]]) -> str:
    single, pooled = (np.concatenate([one[place] for one in recordings]) for place in (1, 2))
    shares = [cell(hits) if len(hits) else "-" for hits in (single, pooled)]
    return f"| {label} | {len(recordings)} | {len(single)} | {shares[0]} | {len(pooled)} | {shares[1]} |"


if __name__ == "__main__":
    main()
