# SPDX-License-Identifier: GPL-3.0-or-later
"""Strange SigMF, one after another from a seed, and what each reader makes of it.

    PYTHONPATH=tests/helpers python tests/fuzz/strange_readers.py FOLDER SEED COUNT [FIRST]

A case passes if every reader refuses it, each in one sentence, or every one reads it and says the same of it. Prints
`CASE number` before each and `BAD text` for one that does not pass; ends with `DONE`. It is run in a process of its
own, with a limit on memory, since a case may crash it.
"""

import resource
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from recording_readers import evaluated, live
from strange_sigmf import VALUES, Stranger

from wfm_core.base.errors import WfmError
from wfm_core.data.dataset import open_dataset
from wfm_core.data.readers.own import sigmf_folder
from wfm_core.data.recordings.annotations import Mark, annotate
from wfm_core.data.recordings.folder import recordings_in
from wfm_core.data.recordings.recording import Told, open_recording
from wfm_core.data.sources import RecordingSource

MEMORY_BYTES = 4 << 30
WINDOW = 16
TOLD = Told(real="analytic")
REFUSED = "refused"


def outcome(name: str, read: Callable):
    """What `read` gives, or `REFUSED`; says what is neither that nor a sentence."""
    try:
        return read()
    except WfmError as error:
        said = str(error)
        if not said.isprintable() or len(said) > 2000:
            print(f"BAD {name}: a long message: {said[:300]!r}", flush=True)
        return REFUSED
    except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
        print(f"BAD {name}: {' | '.join(traceback.format_exc().splitlines()[-6:])}", flush=True)
        return None


def all_read(path: Path) -> bool:
    """Whether the recording is read; offline and live alike, or by none."""
    opened = outcome("open", lambda: open_recording(path, TOLD))
    offline = outcome("evaluate", lambda: evaluated(path, WINDOW, TOLD))
    played = outcome("live", lambda: live(path, WINDOW, "?real=analytic"))
    if opened is None or offline is None or played is None:
        return False
    if len({opened is REFUSED, offline is REFUSED, played is REFUSED}) > 1:
        print(f"BAD one refuses it: {opened}, {offline}, {played}", flush=True)
    elif opened is not REFUSED and not alike(offline, played):
        print(f"BAD they differ: {offline}, {played}", flush=True)
    return opened is not REFUSED


def alike(one, other) -> bool:
    same = (one.starts, one.rx_freq, one.samples) == (other.starts, other.rx_freq, other.samples)
    for ours, theirs in zip(one.rx_time, other.rx_time, strict=False):
        same &= (ours is None) == (theirs is None)
        same &= ours is None or abs(ours[0] - theirs[0] + (ours[1] - theirs[1])) < 1e-6
    return same


class Recordings:
    """Metadata beside their data."""

    name = "x.sigmf-meta"

    def __init__(self, folder: Path):
        self.folder = folder / type(self).__name__
        self.folder.mkdir()
        for name in "xy":
            (self.folder / f"{name}.sigmf-data").write_bytes(VALUES.tobytes())
        self.path = self.folder / self.name

    def write(self, stranger: Stranger) -> None:
        self.path.write_bytes(stranger.metadata())

    def check(self) -> bool:
        """Whether it is read."""
        read = all_read(self.path)
        marked = outcome("annotate", lambda: annotate(self.path, [Mark(4, 8, "m", "t", "c")], in_stream=True))
        if read and marked is not REFUSED:
            outcome("open again", lambda: open_recording(self.path, TOLD))
            if (
                marked
                and marked.placed
                and not any(a.label == "m" for a in open_recording(self.path, TOLD).annotations)
            ):
                print("BAD the annotation is not there", flush=True)
        return read


class Folders(Recordings):
    """The same, given to what reads folders."""

    def check(self) -> bool:
        read = outcome("open", lambda: open_recording(self.path, TOLD)) is not REFUSED
        source = outcome("pretrain", lambda: RecordingSource(self.folder, TOLD))
        if read == (source is REFUSED):
            print("BAD one refuses it", flush=True)
        if isinstance(source, RecordingSource):
            outcome("draw", lambda: source.draw_iq(2, 1, WINDOW, torch.Generator().manual_seed(0)))
        outcome("build", self._built)
        return read

    def _built(self) -> None:
        out = self.folder.parent / "built.h5"
        data = open_dataset(sigmf_folder.read(self.folder, out, label="core:label", window=WINDOW, real="analytic"))
        data.read(range(data.count))


class Archives(Recordings):
    name = "x.sigmf"

    def write(self, stranger: Stranger) -> None:
        self.path.write_bytes(stranger.archive())

    def check(self) -> bool:
        outcome("folder", lambda: recordings_in(self.folder, TOLD))
        return all_read(self.path)


class Collections(Archives):
    name = "c.sigmf-collection"

    def write(self, stranger: Stranger) -> None:
        for name, content in stranger.collection().items():
            (self.folder / name).write_bytes(content)


KINDS = (Recordings, Recordings, Folders, Archives, Collections)


def main() -> None:
    folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    kinds = {kind: kind(folder) for kind in dict.fromkeys(KINDS)}
    own = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (own + MEMORY_BYTES, own + MEMORY_BYTES))
    read = 0
    for number in range(first, first + count):
        kind = KINDS[number % len(KINDS)]
        print(f"CASE {number} {kind.__name__}", flush=True)
        kinds[kind].write(Stranger(f"{seed} {number}"))
        read += kinds[kind].check()
    print(f"DONE {read} of {count} were read", flush=True)


if __name__ == "__main__":
    main()
