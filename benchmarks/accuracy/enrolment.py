# SPDX-License-Identifier: GPL-3.0-or-later
"""Few-shot enrolment on synthetic transmitters: five enrolled with 20 windows each, a sixth never heard.

    .venv/bin/python benchmarks/accuracy/enrolment.py --json out/enrolment.json

The transmitters differ in their flaws alone, drawn from the ranges that
`wfm_core.synth.scenes.devices.random_transmitters` has (which are printed); payload, level and channel are drawn alike
for all of them, and again for every window. Classes and windows to be named have the same SNR. Two ranges of carrier
offset: as there, and none, so that what is left are the flaws of mixer, oscillator and amplifier. With --random: beside
the foundation the same network with random weights. With --cohort: thresholds by a cohort of strangers, as WFM Task
Head has them. --write-cohort FILE makes that of the foundation and does no more: a window each of 512 other
transmitters, drawn alike, at 5 to 35 dB.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch

from wfm_core.base.files import write_atomically
from wfm_core.bundle.foundation import Foundation, find_cohort, load_foundation
from wfm_core.model.enrolment.cohort import KEY, Cohort, read_cohort
from wfm_core.model.prototypes import Prototypes
from wfm_core.synth.channel.impairments import add_noise, agc
from wfm_core.synth.draws import uniform
from wfm_core.synth.scenes.devices import random_transmitters, transmit

ENROLLED = 5
WINDOWS = 20
SAMPLES = 1024
SNRS = (10.0, 20.0, 30.0)
LEVELS_DBFS = (-40.0, -10.0)
STRANGERS, STRANGERS_AT_ONCE, STRANGERS_SNR = 512, 32, (5.0, 35.0)
STRANGERS_SEED = 77
RANGES = (
    "flaws: linewidth 1 to 300 Hz, IQ gain +-1 dB, IQ phase +-5 deg, leakage -40 to -15 dBc, compression 0 to 12 %, "
    "AM/PM +-0.1 rad; carrier offset +-60 kHz, or none; it drifts by +-500 Hz from window to window"
)
ALIKE = "alike for all: 16-QAM at 0.25 Mbaud in 1 MS/s, random data, fading drawn again, level -40 to -10 dBFS"


def windows(transmitters, which: torch.Tensor, snr_db: float, generator: torch.Generator) -> torch.Tensor:
    """Received windows complex64 [B, 1, SAMPLES] of the transmitters `which` [B]."""
    received = transmit(transmitters, which, SAMPLES, generator)
    noisy = add_noise(received, snr_db, received.abs().square().mean((1, 2)), generator)
    return agc(noisy, uniform((len(which),), *LEVELS_DBFS, generator))


def embed(foundation: Foundation, iq: torch.Tensor) -> np.ndarray:
    """Windows [B, 1, T] -> mean of the tokens [B, D]."""
    with torch.inference_mode():
        parts = [foundation.model.embed_iq(foundation.preprocess["iq"](part), "mean") for part in iq.split(32)]
    return torch.cat(parts).numpy()


def write_cohort(foundation: Foundation, path: Path) -> None:
    """Embeddings [STRANGERS, D] in half precision, `STRANGERS_AT_ONCE` of one SNR."""
    generator, parts = torch.Generator().manual_seed(STRANGERS_SEED), []
    for _ in range(STRANGERS // STRANGERS_AT_ONCE):
        transmitters = random_transmitters(STRANGERS_AT_ONCE, generator)
        snr_db = float(uniform((1,), *STRANGERS_SNR, generator))
        parts.append(embed(foundation, windows(transmitters, torch.arange(STRANGERS_AT_ONCE), snr_db, generator)))
    notes = {
        "foundation": foundation.name,
        "weights_sha256": foundation.weights_sha256,
        "window": f"{SAMPLES} samples, 1 antenna, pooling mean",
        "of": f"generated transmitters, seed {STRANGERS_SEED}; {RANGES}; {ALIKE}; SNR {STRANGERS_SNR} dB",
    }
    tensors = {KEY: np.concatenate(parts).astype(np.float16)}
    write_atomically(path, lambda part: safetensors.numpy.save_file(tensors, part, metadata=notes))


def trial(
    foundations: dict[str, Foundation], offsets: bool, snr_db: float, count: int, seed: int, **by_cohort
) -> dict[str, tuple]:
    """What `judge` says of each encoder, on `count` fresh windows of each of six transmitters."""
    generator = torch.Generator().manual_seed(seed)
    transmitters = random_transmitters(ENROLLED + 1, generator)
    if not offsets:
        transmitters.carrier_offset.zero_()
    enrolled = torch.arange(ENROLLED).repeat_interleave(WINDOWS)
    fresh = torch.arange(ENROLLED + 1).repeat_interleave(count)
    first = windows(transmitters, enrolled, snr_db, generator)
    later = windows(transmitters, fresh, snr_db, generator)
    return {
        name: judge(embed(model, first), embed(model, later), fresh.numpy(), **by_cohort)
        for name, model in foundations.items()
    }


def judge(
    first: np.ndarray, later: np.ndarray, truth: np.ndarray, cohort: Cohort | None = None, strangers: float = 0.05
) -> tuple[float, float, float, float]:
    """Shares: nearest class right, named rightly, own windows called unknown, the sixth's called unknown."""
    prototypes = Prototypes(cohort=cohort, strangers=strangers)
    for device in range(ENROLLED):
        prototypes.enrol(str(device), first[device * WINDOWS : (device + 1) * WINDOWS])
    decisions = prototypes.decide(later)
    answer = np.array([decision["index"] for decision in decisions])
    nearest = np.array([int(max(d["probabilities"], key=d["probabilities"].get)) for d in decisions])
    own = truth < ENROLLED
    right = float((answer[own] == truth[own]).mean())
    closed = float((nearest[own] == truth[own]).mean())
    return closed, right, float((answer[own] < 0).mean()), float((answer[~own] < 0).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--foundation", default="wfm-base")
    parser.add_argument("--seeds", type=int, default=5, help="sets of six transmitters (5)")
    parser.add_argument("--fresh", type=int, default=100, help="windows to be named of each transmitter (100)")
    parser.add_argument("--random", action="store_true", help="judge the network with random weights too")
    parser.add_argument("--cohort", metavar="FILE or NAME", help="of strangers; a foundation's by its name (none)")
    parser.add_argument("--strangers", type=float, default=0.05, help="share of the cohort that is accepted (0.05)")
    parser.add_argument("--write-cohort", type=Path, metavar="FILE", help="make a cohort with the foundation, and end")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    foundation = load_foundation(options.foundation)
    if options.write_cohort:
        write_cohort(foundation, options.write_cohort)
        return
    cohort = read_cohort(find_cohort(options.cohort, "embedding_iq")) if options.cohort else None
    by_cohort = {"cohort": cohort, "strangers": options.strangers}
    foundations = {foundation.name: foundation}
    if options.random:
        foundations["random weights"] = foundation.random(0)
    print(f"{RANGES}\n{ALIKE}")
    print(f"{ENROLLED} enrolled with {WINDOWS} windows of {SAMPLES} samples, {options.fresh} fresh ones of each")
    print(f"mean of {options.seeds} sets of transmitters, spread of the accuracy over them\n")
    print("| encoder | carrier offset | SNR dB | nearest is right | named rightly | own unknown | sixth unknown |")
    print("|---|---|---|---|---|---|---|")
    rows = []
    for offsets in (True, False):
        for snr_db in SNRS:
            trials = [
                trial(foundations, offsets, snr_db, options.fresh, seed, **by_cohort) for seed in range(options.seeds)
            ]
            for name in foundations:
                rows.append(row(name, offsets, snr_db, np.array([results[name] for results in trials])))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))


def row(name: str, offsets: bool, snr_db: float, results: np.ndarray) -> dict:
    """Print and return what `results` [seeds, 4] come to."""
    nearest, right, own, sixth = results.mean(0)
    kind = "+-60 kHz" if offsets else "none"
    print(
        f"| {name} | {kind} | {snr_db:.0f} | {nearest:.3f} ± {results[:, 0].std():.3f} | {right:.3f} | {own:.3f} "
        f"| {sixth:.3f} |",
        flush=True,
    )
    names = ("nearest_right", "named_rightly", "own_unknown", "sixth_unknown")
    return {
        "encoder": name,
        "carrier_offset": offsets,
        "snr_db": snr_db,
        **dict(zip(names, results.mean(0).tolist(), strict=True)),
    }


if __name__ == "__main__":
    main()
