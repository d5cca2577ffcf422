# SPDX-License-Identifier: GPL-3.0-or-later
"""False alarms on real LTE recordings, and detections with DSSS added to them, per recording with 95 % intervals.

    python benchmarks/accuracy/lte_recordings.py --bundle wfm-interference [--json FILE]

Reads $WFM_REALDATA/lte (default ../shared/realdata). SIR is the power of the recorded window (cell and noise) over the
power of the added DSSS, which has its own fading. The recordings are for evaluation only.

Pooled: a block of 131072 samples (or of what there is of a shorter recording) is judged as one, as by wfm-evaluate
--pool. DSSS is one transmitter through one channel for the whole block then, and SIR that of the block; several are
tried.
"""

import argparse
import json
import os
from functools import partial
from pathlib import Path

import numpy as np
import torch
from intervals import wilson

import wfm_core
from wfm_core.bundle.pooling import judge_of_blocks
from wfm_core.data.recordings.recording import open_recording
from wfm_core.data.recordings.windows import window_starts
from wfm_core.synth.scenes.interference import faded_interference

SIRS = (0.0, 5.0, 10.0)
SEED = 314
load = partial(wfm_core.load_bundle, device="cpu", dtype="fp32")
"""In float32, so that figures do not depend on which number format is fastest here."""
POOL = 131_072
POOLED_SIR = 5.0
DRAWS = 8
"""Transmitters tried on each block."""


def windows_of(path: Path, samples: int) -> tuple[torch.Tensor, float]:
    recording = open_recording(path)
    whole = torch.from_numpy(recording.read(0, recording.samples))
    starts = window_starts(recording.samples, samples, samples)
    return torch.stack([whole[:, start : start + samples] for start in starts]), recording.sample_rate


def with_dsss(windows: torch.Tensor, sample_rate: float, sir_db: float, generator) -> torch.Tensor:
    count, antennas, samples = windows.shape
    label = torch.arange(count) % 2 + 1
    added = faded_interference(label, antennas, samples, torch.full((count,), sample_rate), generator)
    power = windows.abs().square().mean((1, 2), keepdim=True)
    return windows + (power * 10 ** (-sir_db / 10)).sqrt() * added


def probabilities(bundle, windows: torch.Tensor) -> np.ndarray:
    return np.concatenate([bundle.infer(part)["interference"] for part in windows.split(8)])


def found(bundle, windows: torch.Tensor) -> np.ndarray:
    """Whether each window is called interference."""
    return probabilities(bundle, windows).argmax(1) != 0


def found_in_blocks(bundle, windows: torch.Tensor, sample_rate: float, generator) -> dict[str, np.ndarray]:
    """Whether each block is, untouched and with DSSS added."""
    count, _, samples = windows.shape
    blocks = [block for block in windows.split(POOL // samples) if len(block) == min(count, POOL // samples)]
    columns: dict[str, list[bool]] = {"pooled false alarms": [], f"pooled {POOLED_SIR:.0f} dB": []}
    for block in blocks:
        whole = block.transpose(0, 1).flatten(1).repeat(DRAWS, 1, 1)
        disturbed = with_dsss(whole, sample_rate, POOLED_SIR, generator)
        for name, tried in zip(columns, (whole[:1], disturbed), strict=True):
            columns[name] += list(found(bundle, tried))
    return {name: np.array(hits) for name, hits in columns.items()}


def cell(hits: np.ndarray) -> str:
    low, high = wilson(int(hits.sum()), len(hits))
    return f"{hits.mean():.1%} ({low:.0%}-{high:.0%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="wfm-interference")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the DSSS that is added ({SEED})")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    folder = Path(os.environ.get("WFM_REALDATA", "../shared/realdata")) / "lte"
    bundle = load(arguments.bundle)
    judge = judge_of_blocks(bundle, load)
    generator, of_blocks = (torch.Generator().manual_seed(seed) for seed in (arguments.seed, arguments.seed + 1))
    head = ["recording", "windows", "false alarms", *(f"detected at {sir:.0f} dB" for sir in SIRS)]
    head += ["pooled: false alarms", f"pooled: detected at {POOLED_SIR:.0f} dB"]
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    everything: dict[str, list[np.ndarray]] = {}
    for path in sorted(folder.glob("*.sigmf-meta")):
        windows, rate = windows_of(path, bundle.contract.samples)
        columns = {"false alarms": found(bundle, windows)}
        columns |= {f"{sir:.0f} dB": found(bundle, with_dsss(windows, rate, sir, generator)) for sir in SIRS}
        columns |= found_in_blocks(judge, windows, rate, of_blocks)
        for name, hits in columns.items():
            everything.setdefault(name, []).append(hits)
        cells = " | ".join(cell(hits) for hits in columns.values())
        print(f"| {path.name.removesuffix('.sigmf-meta')} | {len(windows)} | {cells} |", flush=True)
    total = {name: np.concatenate(hits) for name, hits in everything.items()}
    print(f"| all | {len(total['false alarms'])} | " + " | ".join(cell(hits) for hits in total.values()) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps({name: float(hits.mean()) for name, hits in total.items()}, indent=1))


if __name__ == "__main__":
    main()
