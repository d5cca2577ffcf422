# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of `file_mutator` that go through GNU Radio: recordings as WFM SDR Source plays them, by the C++ player.

A damaged recording is played to its end, in a flowgraph that must end, or refused in a sentence.
"""

import io
import json
import random
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gnuradio import blocks, gr, wfm

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.recording import open_recording

Damage = Callable[[bytes, random.Random], bytes]
CHANNELS, SAMPLES = 2, 5000
END_SECONDS = 20
VALUES = np.random.default_rng(5).integers(-3000, 3000, (SAMPLES, 2 * CHANNELS)).astype("<i2")
METADATA = {
    "global": {
        "core:datatype": "ci16_le",
        "core:sample_rate": 1e6,
        "core:num_channels": CHANNELS,
        "core:version": "1.2.0",
    },
    "captures": [
        {"core:sample_start": 0, "core:frequency": 1e9, "core:datetime": "2026-01-01T00:00:00.5Z"},
        {"core:sample_start": 1000, "core:global_index": 1200, "core:header_bytes": 0},
        {"core:sample_start": 3000, "core:frequency": 2e9, "core:global_index": 5000},
    ],
    "annotations": [],
}


STRANGE = [
    None, True, "", "x", "../x", "\ud800", [], {}, [1], -1, 0, 1, 2, 2.0, 0.5, 1e300, 2**31, 2**53, 2**63, 2**64,
    -(2**63), 1e-300, "ci16_le", "cu8", "rf64_be", "cf64_le", "1969-12-31T23:59:59Z", "9999-12-31T23:59:60Z",
]  # fmt: skip
"""Values of a field."""
MORE_FIELDS = ["core:offset", "core:trailing_bytes", "core:sha512", "core:dataset", "core:x"]


def damage_fields(data: bytes, draw: random.Random) -> bytes:
    """JSON with one or two fields or entries of another value, doubled or gone."""
    content = json.loads(data)
    for _ in range(draw.choice([1, 1, 2])):
        place = content
        while True:
            names = list(place) if isinstance(place, dict) else list(range(len(place)))
            name = draw.choice(names) if names else None
            if name is None or not isinstance(place[name], dict | list) or draw.random() < 0.1:
                break
            place = place[name]
        if name is None or draw.random() < 0.1:
            if isinstance(place, list):
                place.append(draw.choice([*STRANGE, *place]))
            else:
                place[draw.choice(MORE_FIELDS)] = draw.choice(STRANGE)
        elif draw.random() < 0.15:
            del place[name]
        else:
            place[name] = draw.choice(STRANGE)
    return json.dumps(content, indent=1).encode()


class Played:
    """A SigMF recording whose metadata are damaged."""

    def __init__(self, folder: Path, damage: Damage):
        self.path = folder / "x.sigmf-meta"
        self.damage = lambda data, draw: (damage if draw.random() < 0.3 else damage_fields)(data, draw)
        self.good = json.dumps(METADATA, indent=1).encode()
        (folder / "x.sigmf-data").write_bytes(VALUES.tobytes())

    def read(self) -> None:
        """Every sample that the recording is said to have comes out, as `open_recording` reads it."""
        recording = open_recording(self.path)
        expected = recording.read(0, recording.samples)
        try:
            source = wfm.sdr_source(f"file:{self.path}", channels=expected.shape[0], policy="lossless")
        except (ValueError, RuntimeError) as error:
            raise AssertionError(f"what open_recording takes, the player refuses: {error}") from error
        top, sinks = gr.top_block(), [blocks.vector_sink_c() for _ in expected]
        for channel, sink in enumerate(sinks):
            top.connect((source, channel), sink)
        ended = threading.Thread(target=top.run, daemon=True)
        ended.start()
        ended.join(END_SECONDS)
        assert not ended.is_alive(), "the flowgraph did not end"
        if source.error():
            raise WfmError(source.error())
        for values, sink in zip(expected, sinks, strict=True):
            np.testing.assert_array_equal(np.array(sink.data(), np.complex64), values)


class PlayedArchive(Played):
    def __init__(self, folder: Path, damage: Damage):
        super().__init__(folder, damage)
        self.path, self.damage, buffer = folder / "x.sigmf", damage, io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, content in (("x/x.sigmf-meta", self.good), ("x/x.sigmf-data", VALUES.tobytes())):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        self.good = buffer.getvalue()


class PlayedRaw(Played):
    """A raw file: any bytes are samples, but not any number of them."""

    def __init__(self, folder: Path, damage: Damage):
        super().__init__(folder, damage)
        self.path, self.good, self.damage = folder / "x_1000000sps.ci16", VALUES.tobytes(), damage


class Collection(Played):
    """Two recordings that a damaged .sigmf-collection makes channels of one."""

    def __init__(self, folder: Path, damage: Damage):
        super().__init__(folder, damage)
        (folder / "x.sigmf-meta").write_bytes(self.good)
        for name in ("y", "z"):
            (folder / f"{name}.sigmf-meta").write_bytes(self.good)
            (folder / f"{name}.sigmf-data").write_bytes(VALUES.tobytes())
        streams = [{"name": name} for name in ("x", "y")]
        collection = {"collection": {"core:version": "1.2.0", "core:streams": streams}}
        self.path, self.good = folder / "all.sigmf-collection", json.dumps(collection, indent=1).encode()


PLAYER_KINDS = (Played, PlayedArchive, PlayedRaw, Collection)
