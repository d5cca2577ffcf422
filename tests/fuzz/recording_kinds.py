# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of `file_mutator` that are recordings, and MATLAB's arrays: bytes of theirs are damaged. Their fields are
changed by `strange_sigmf`."""

import io
import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.io
import scipy.io.wavfile
from strange_sigmf import ANNOTATIONS, CAPTURES, GLOBAL, VALUES

from wfm_core.data.readers.own.matlab import read_matlab
from wfm_core.data.recordings.annotations import Mark, annotate
from wfm_core.data.recordings.recording import Told, open_recording

Damage = Callable[[bytes, random.Random], bytes]
METADATA = json.dumps({"global": GLOBAL, "captures": CAPTURES, "annotations": ANNOTATIONS}, indent=1).encode()


class Recording:
    """All samples are read, wherever the file says that they are."""

    def __init__(self, path: Path, good: bytes, damage: Damage):
        self.path, self.good, self.damage = path, good, damage

    def read(self) -> None:
        recording = open_recording(self.path, Told(real="analytic"))
        assert recording.read(0, recording.samples).shape == (recording.channels, recording.samples)
        assert len(recording.timeline.pieces) > 0


class Metadata(Recording):
    def __init__(self, folder: Path, damage: Damage):
        (folder / "x.sigmf-data").write_bytes(VALUES.tobytes())
        super().__init__(folder / "x.sigmf-meta", METADATA, damage)

    def read(self) -> None:
        super().read()
        annotate(self.path, [Mark(4, 8, "m", "t", "c")], in_stream=False)
        super().read()


class Archive(Recording):
    def __init__(self, folder: Path, damage: Damage):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, content in (("x.sigmf-meta", METADATA), ("x.sigmf-data", VALUES.tobytes())):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        super().__init__(folder / "x.sigmf", buffer.getvalue(), damage)


class Wav(Recording):
    def __init__(self, folder: Path, damage: Damage):
        path = folder / "x.wav"
        scipy.io.wavfile.write(path, 250_000, np.arange(128, dtype=np.int16).reshape(64, 2))
        super().__init__(path, path.read_bytes(), damage)


class Matlab:
    """One variable is packed, one is not."""

    def __init__(self, folder: Path, damage: Damage):
        self.path, self.damage = folder / "x.mat", damage
        values = {"csi": np.random.default_rng(0).random((6, 5)), "other": {"x": ["a", 1]}}
        plain, packed = io.BytesIO(), io.BytesIO()
        scipy.io.savemat(plain, values)
        scipy.io.savemat(packed, {"iq": np.ones((4, 3)) * 1j, "text": "abc"}, do_compression=True)
        self.good = plain.getvalue() + packed.getvalue()[128:]

    def read(self) -> None:
        for name in ("csi", "iq"):
            read_matlab(self.path, name)


RECORDING_KINDS = (Metadata, Archive, Wav, Matlab)
