# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes examples/data/lte_dsss.sigmf-{meta,data}: a quarter of a second of simulated LTE in which DSSS comes and goes.

Two antennas, ci8, 1.92 MS/s, under 2 MB. The stretch is cut from a scene where all three labels follow one another;
annotations hold the truth. Seeded: every run writes the same samples.
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sigmf import SigMFFile

from wfm_core.synth.scenes.rendering import Scene, Segment, render_scene

TARGET = Path(__file__).resolve().parents[1] / "examples" / "data" / "lte_dsss"
SECONDS = 0.24
SCENE_SECONDS = 10.0
SEED = 20
GAIN = 2.5  # the scene's level suits 16 bits; eight need it higher


def stretch(scene: Scene) -> tuple[int, int, list[Segment]]:
    """First sample and length of a stretch around three neighbouring segments of three labels, and those segments."""
    length = round(SECONDS * scene.sample_rate)
    triples = zip(scene.truth, scene.truth[1:], scene.truth[2:], strict=False)
    triples = [t for t in triples if len({segment.label for segment in t}) == 3 and t[1].sample_count < 0.7 * length]
    if not triples:
        raise SystemExit(f"seed {SEED} has no stretch of {SECONDS} s with all three labels: choose another seed")
    chosen = min(triples, key=lambda t: t[1].sample_count)
    middle = chosen[1].sample_start + chosen[1].sample_count // 2
    return middle - length // 2, length, list(chosen)


def annotation(segment: Segment, start: int, length: int) -> dict:
    begin = max(segment.sample_start - start, 0)
    end = min(segment.sample_start + segment.sample_count - start, length)
    fields = {"core:sample_start": begin, "core:sample_count": end - begin, "core:label": segment.label}
    return fields if segment.label == "none" else {**fields, "core:comment": f"SIR {segment.sir_db:.1f} dB"}


def main() -> None:
    scene = render_scene("lte_interference", SCENE_SECONDS, 1.92e6, antennas=2, seed=SEED)
    start, length, segments = stretch(scene)
    frames = np.ascontiguousarray(scene.samples[:, start : start + length].numpy().T).view(np.float32)
    data = TARGET.with_suffix(".sigmf-data")
    data.parent.mkdir(parents=True, exist_ok=True)
    np.clip(np.round(frames * GAIN * 128), -128, 127).astype(np.int8).tofile(data)
    info = {
        "core:datatype": "ci8",
        "core:sample_rate": scene.sample_rate,
        "core:num_channels": 2,
        "core:description": "Simulated LTE cell; DSSS interference comes and goes; annotations are the truth.",
        "core:author": "gr-wfm (scripts/make_example_recording.py)",
    }
    meta = SigMFFile(data_file=str(data), global_info=info)
    when = datetime(2026, 1, 1, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.0Z")
    meta.add_capture(0, metadata={"core:frequency": scene.center_freq, "core:datetime": when})
    for segment in segments:
        fields = annotation(segment, start, length)
        meta.add_annotation(fields.pop("core:sample_start"), fields.pop("core:sample_count"), metadata=fields)
    meta.tofile(str(TARGET.with_suffix(".sigmf-meta")), overwrite=True)
    print(f"{data}: {data.stat().st_size} bytes, " + ", ".join(segment.label for segment in segments))


if __name__ == "__main__":
    main()
