# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-signals on real recordings, by the path of wfm-scan: is what has the most energy named right?

    python benchmarks/accuracy/air.py --bundle wfm-signals [--json FILE] [--pictures FOLDER] [--only LABEL ...]

Reads tech/, lte/, ism/ and air/ of $WFM_REALDATA (default ../shared/realdata). A recording is right if more than half
of the energy of the signals that were found in it (level times duration, noise not counted) carries a right name, by
the map in models/wfm-signals/recordings.yaml. What is demodulated in air/ is put back on a carrier, as its column
`modulator` says, with noise at SNR_DB and an offset, and is counted apart. The recordings are for evaluation only.
"""

import argparse
import csv
import json
import os
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import yaml
from remodulate import remodulated

import wfm_core
from wfm_core.data.recordings.recording import Recording, open_recording
from wfm_core.scan.signals import scan

FOLDERS = ("tech", "lte", "ism", "air")
MAP = Path(__file__).parents[2] / "models/wfm-signals/recordings.yaml"
SEED = 161


def items(root: Path) -> list[tuple[str, Path, str, dict]]:
    """Group (air or demodulated), metadata, label and row of labels.csv of each recording."""
    out = []
    for folder in FOLDERS:
        rows = {}
        if (root / folder / "labels.csv").exists():
            with (root / folder / "labels.csv").open() as file:
                rows = {row.get("name") or row.get("file"): row for row in csv.DictReader(file)}
        for path in sorted((root / folder).glob("*.sigmf-meta")):
            row = rows.get(path.name.removesuffix(".sigmf-meta"), {})
            label = json.loads(path.read_text())["annotations"][0]["core:label"]
            group = "air" if row.get("kind", "air") == "air" else "demodulated"
            out.append((group, path, label, row))
    return out


def energies(signals) -> dict[str, float]:
    """Share of the energy that each label has."""
    total = defaultdict(float)
    for one in signals:
        total[one.label] += 10 ** (one.level_dbfs / 10) * one.sample_count
    whole = sum(total.values()) or 1.0
    return {label: energy / whole for label, energy in sorted(total.items(), key=lambda entry: -entry[1])}


def put_back(path: Path, row: dict, folder: Path, rng: np.random.Generator) -> Recording:
    """The recording of a demodulated item as IQ."""
    from wfm_core.data.recordings.raw import Told

    source = open_recording(path, Told(real="analytic"))
    samples, rate = remodulated(source, row, rng)
    out = folder / f"{path.name.removesuffix('.sigmf-meta')}.cf32"
    samples.astype(np.complex64).tofile(out)
    return open_recording(out, Told(rate=rate))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="wfm-signals")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--only", nargs="*", help="labels, names or folders")
    arguments = parser.parse_args()
    root = Path(os.environ.get("WFM_REALDATA", "../shared/realdata"))
    right_names = yaml.safe_load(MAP.read_text())
    bundle = wfm_core.load_bundle(arguments.bundle, device="cpu", dtype="fp32")
    scores: dict[str, dict[str, list[bool]]] = {"air": defaultdict(list), "demodulated": defaultdict(list)}
    report = []
    print("| recording | label | right | share of the energy by name | signals |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for group, path, label, row in items(root):
            name = path.name.removesuffix(".sigmf-meta")
            if arguments.only and not {label, name, path.parent.name} & set(arguments.only):
                continue
            rng = np.random.default_rng([SEED, *name.encode()])
            recording = open_recording(path) if group == "air" else put_back(path, row, Path(folder), rng)
            signals = scan(recording, bundle)
            shares = energies(signals)
            wanted = right_names.get(label, [label])
            right = bool(sum(shares.get(one, 0.0) for one in wanted) > 0.5)
            scores[group][label].append(right)
            said = ", ".join(f"{one} {share:.2f}" for one, share in list(shares.items())[:3])
            print(
                f"| {name} ({group}) | {label} | {'yes' if right else '**no**'} | {said} | {len(signals)} |", flush=True
            )
            report.append({"name": name, "group": group, "label": label, "right": right, "shares": shares})
            if arguments.pictures:
                from wfm_core.scan.picture import draw_scan

                arguments.pictures.mkdir(parents=True, exist_ok=True)
                draw_scan(arguments.pictures / f"{name}.png", recording, signals, f"{name}: {label}")
    print("\n| recordings | labels | right, mean over labels | recordings right | of |\n|---|---|---|---|---|")
    for group, labels in scores.items():
        if labels:
            macro = np.mean([np.mean(hits) for hits in labels.values()])
            hits = sum(labels.values(), [])
            print(f"| {group} | {len(labels)} | {macro:.3f} | {sum(hits)} | {len(hits)} |")
    for group, labels in scores.items():
        for label, hits in sorted(labels.items()):
            if not all(hits):
                print(f"{group}, {label}: {sum(hits)} of {len(hits)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
