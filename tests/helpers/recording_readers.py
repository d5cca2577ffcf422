# SPDX-License-Identifier: GPL-3.0-or-later
"""One recording through every reader: what each makes of its windows.

A reader gives `Windows`: the first sample of each window by its place in `values` (all different, channel 0 of the
recording), and what the reader says of it; None where it does not say such things.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from flowgraph_helpers import Collector, RuleBundle
from gnuradio import blocks, gr, wfm

from wfm_core.data.dataset import open_dataset
from wfm_core.data.readers.own import sigmf_folder
from wfm_core.data.recordings.recording import Told, open_recording
from wfm_core.data.sources import RecordingSource
from wfm_core.evaluate.windows import Rules, decisions

SHORT, RATE, FREQ = 64, 250e3, 433.92e6
"""Of the recordings of `check_same`: a window, the sample rate, the frequency."""


@dataclass
class Windows:
    starts: list[int]
    rx_time: list[tuple[int, float] | None] | None = None
    rx_freq: list[float | None] | None = None
    samples: int | None = None
    samples_lost: int | None = None


def write(folder: Path, name: str, data: bytes, captures, rate=1e6, datatype="cf32_le", channels=1, file="", **fields):
    """A SigMF recording `folder/name`; `fields` go into its global section. Returns the path of its metadata."""
    head = {"core:datatype": datatype, "core:sample_rate": rate, "core:version": "1.2.0", "core:num_channels": channels}
    head |= {f"core:{key}": value for key, value in fields.items()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / (file or f"{name}.sigmf-data")).write_bytes(data)
    path = folder / f"{name}.sigmf-meta"
    path.write_text(json.dumps({"global": head, "captures": list(captures), "annotations": []}))
    return path


def capture(start: int, freq: float | None = None, time: str | None = None, index: int | None = None) -> dict:
    entry = {"core:sample_start": start, "core:frequency": freq, "core:datetime": time, "core:global_index": index}
    return {key: value for key, value in entry.items() if value is not None}


def live(path: Path, window: int, told: str = "") -> Windows:
    """As `--source file:PATH` has it, behind WFM Inference."""
    bundle = RuleBundle(samples=window)
    source = wfm.sdr_source(f"file:{path}{told}", channels=1, policy="lossless")
    inference = wfm.inference(bundle, channels=1, sample_rate=source.sample_rate(), policy="lossless")
    top, sink, detects = gr.top_block(), blocks.null_sink(gr.sizeof_gr_complex), Collector()
    top.connect(source, inference, sink)
    top.msg_connect(inference, "detects", detects, "in")
    top.run()
    found, status = detects.detections(), inference.status()
    return Windows(
        [d.sample_start for d in found],
        [d.rx_time for d in found],
        [d.rx_freq for d in found],
        status["samples_in"],
        status["samples_lost"],
    )


def evaluated(path: Path, window: int, told: Told | None = None) -> Windows:
    """As `wfm-evaluate --input PATH` has it."""
    recording = open_recording(path, told)
    found = list(decisions(recording, RuleBundle(samples=window), Rules(antennas=1, batch=8), warn=print))
    times = [d.get("rx_time") for d in found]
    return Windows(
        [d["sample_start"] for d in found],
        [t if t is None else tuple(t) if isinstance(t, list | tuple) else (int(t // 1), t % 1.0) for t in times],
        [d.get("rx_freq") for d in found],
        recording.samples,
    )


def dataset(path: Path, window: int, values: np.ndarray, told: dict | None = None) -> Windows:
    """As `wfm-dataset build --from sigmf` has it, the whole recording labelled by its folder."""
    out = path.parent.parent / f"{path.name}.h5"
    built = open_dataset(sigmf_folder.read(path, out, label="folder", window=window, antennas=1, **(told or {})))
    return Windows(_places(built.read_iq(range(built.count))[:, 0], values))


def pretraining(path: Path, window: int, values: np.ndarray, told: Told | None = None) -> Windows:
    """Places that `wfm-pretrain` may draw windows from a folder with this recording alone: every one of them, so those
    of the other readers must be among them."""
    source = RecordingSource(path.parent, told)
    source.check(1, window)
    drawn = source.draw_iq(3, source.antennas, window, torch.Generator().manual_seed(0)).numpy()
    stretches = zip(source.stretches.tolist(), source.places(window).tolist(), strict=True)
    places = [begin + place for (_, begin, _), count in stretches for place in range(count)]
    assert set(_places(drawn[:, 0], values)) <= set(places)
    return Windows(places)


def _places(windows: np.ndarray, values: np.ndarray) -> list[int]:
    """Where in `values` the windows [n, T] begin; the whole of each must be there."""
    index = {value: place for place, value in enumerate(values.tolist())}
    places = [index[complex(first)] for first in windows[:, 0]]
    for place, row in zip(places, windows, strict=True):
        np.testing.assert_array_equal(row, values[place : place + len(row)])
    return places


def all_starts(pieces: list[tuple[int, int]], window: int) -> list[int]:
    """Every place in the pieces [begin, end) where a window fits."""
    return [start for begin, end in pieces for start in range(begin, end - window + 1)]


def check_all(path: Path, window: int, values: np.ndarray, expected: Windows, pieces: list[tuple[int, int]]) -> None:
    """Every reader makes the same windows of a recording, with the same time and frequency. A `None` in `expected`
    is not looked at; `pieces` are the stretches that no window may leave."""
    for found in (live(path, window), evaluated(path, window)):
        assert found.starts == expected.starts
        assert found.samples == len(values)
        if expected.rx_freq is not None:
            assert found.rx_freq == expected.rx_freq
        if expected.rx_time is not None:
            assert [t is None for t in found.rx_time] == [t is None for t in expected.rx_time]
            for got, right in zip(found.rx_time, expected.rx_time, strict=True):
                assert got is None or abs(got[0] - right[0] + (got[1] - right[1])) < 1e-6, (got, right)
        if found.samples_lost is not None and expected.samples_lost is not None:
            assert found.samples_lost == expected.samples_lost
    assert dataset(path, window, values).starts == expected.starts
    assert pretraining(path, window, values).starts == all_starts(pieces, window)


def check_same(path, told=None, live_told="", freq=FREQ, rx_time=None, values=None, samples=640, rate=RATE):
    """All readers make ten windows of the recording, and know its frequency."""
    told = told or Told()
    recording = open_recording(path, told)
    assert (recording.sample_rate, recording.samples) == (rate, samples)
    got = recording.read(0, samples)[0]
    if values is not None:
        np.testing.assert_allclose(got, values, atol=1e-6)
    starts = list(range(0, samples, SHORT))
    for found in (live(path, SHORT, live_told), evaluated(path, SHORT, told)):
        assert found == Windows(starts, found.rx_time, [freq] * 10, samples, found.samples_lost)
        assert found.rx_time[0] == rx_time
        assert found.samples_lost in (0, None)
    options = {"rate": told.rate, "freq": told.freq, "real": told.real}
    assert dataset(path, SHORT, got, options).starts == starts
    assert pretraining(path, SHORT, got, told).starts == all_starts([(0, samples)], SHORT)
