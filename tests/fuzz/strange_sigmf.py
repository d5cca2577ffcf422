# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF that is well-formed and hostile: metadata, archives and collections with strange values in their fields."""

import copy
import hashlib
import io
import json
import random
import sys
import tarfile
from pathlib import Path

import numpy as np

SAMPLES = 64
VALUES = ((np.arange(SAMPLES) + 1) * (1 - 0.5j)).astype(np.complex64)
GLOBAL = {
    "core:datatype": "cf32_le",
    "core:sample_rate": 1e6,
    "core:version": "1.2.0",
    "core:num_channels": 1,
    "core:offset": 0,
    "core:trailing_bytes": 0,
    "core:dataset": "x.sigmf-data",
    "core:metadata_only": False,
    "core:extensions": [{"name": "other", "version": "0.1.0", "optional": True}],
    "core:description": "a recording",
}
CAPTURES = [
    {
        "core:sample_start": 0,
        "core:global_index": 0,
        "core:frequency": 1e9,
        "core:datetime": "2024-02-08T17:50:34.25Z",
        "core:header_bytes": 0,
    },
    {"core:sample_start": 32, "core:global_index": 40, "core:frequency": 1e9},
]
ANNOTATIONS = [
    {
        "core:sample_start": 0,
        "core:sample_count": 32,
        "core:label": "a",
        "core:freq_lower_edge": 1e9 - 1e5,
        "core:freq_upper_edge": 1e9 + 1e5,
        "core:comment": "c",
        "core:generator": "g",
    },
    {"core:sample_start": 32, "core:label": "b"},
]
WHOLE = [
    0, 1, 2, -1, 31, 33, 64, 65, 2**31, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64, 10**400, 0.0, 2.0, 32.0, 0.5,
    -0.0, 1e300, 5e-324, float("nan"), float("inf"), float("-inf"), True, False,
]  # fmt: skip
TEXTS = [
    "", " ", ".", "..", "/", "/etc/passwd", "../x.sigmf-data", "x.sigmf-data", "a" * 255, "a" * 5000, "\0", "a\0b",
    "a\nb", "\x1b[2J", "é", "門", "\ud800", "\udcff", "\u202e", "null", "1", "cf32_le", "ci16_le", "cu8", "ri16_be",
    "cf32_le\n", "cf32", "CF32_LE", "f" * 128, "1.2.0", "99.0.0",
]  # fmt: skip
TIMES = [
    "1969-12-31T23:59:58.75Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
    "2024-02-08T17:50:34+05:30Z", "2024-02-08T17:50:34.5e3Z", "2024-02-08T17:50:60Z", "2024-02-08T24:00:00Z",
    "2024-02-30T00:00:00Z", "2024-02-08", "2024-W06-4T17:50:34Z", "20240208T175034Z", "2024-02-08t17:50:34z",
    "2024-02-08 17:50:34", "-0001-01-01T00:00:00Z", "2024-02-08T17:50:34." + "9" * 400 + "Z",
    "2024-02-08T17:50:34+99:99", "+2024-02-08T17:50:34Z", "12:00", "now", "2024-02-08T17:50:34,25Z",
    "2024-02-08T17:50Z", "2024-02-08T17:50:34.25-23:59", "２０２４-02-08T17:50:34Z",
]  # fmt: skip

NAMES = [
    "x/x.sigmf-meta", "x/x.sigmf-data", "/x/x.sigmf-meta", "../x.sigmf-meta", "./x/x.sigmf-meta", "y.sigmf-meta",
    "y.sigmf-data", "a/../x.sigmf-data", "n" * 300, "._x.sigmf-meta", "\x1b[2J.sigmf-meta", "é.sigmf-meta",
    "c.sigmf-collection", "x", "a\nb.sigmf-meta",
]  # fmt: skip


def _good() -> bytes:
    return json.dumps({"global": GLOBAL, "captures": CAPTURES, "annotations": ANNOTATIONS}).encode()


def _sha512(content: bytes) -> str:
    return hashlib.sha512(content).hexdigest()


def nested(depth: int):
    """Lists inside each other."""
    value: object = 1
    for number in range(depth):
        value = [value] if number % 2 else {"a": value}
    return value


class Stranger:
    """Makes recordings; the same seed makes the same ones."""

    def __init__(self, seed: str):
        self._random = random.Random(seed)

    def value(self):
        choose = self._random
        return choose.choice(
            [
                lambda: choose.choice(WHOLE),
                lambda: choose.choice(WHOLE),
                lambda: choose.choice(TEXTS),
                lambda: choose.choice(TIMES),
                lambda: None,
                lambda: choose.choice([[], {}, [[]], [{}], {"": None}, [None] * 3, ["x", 1], [0] * 5000]),
                lambda: nested(choose.choice([3, 70, 500, 3000])),
            ]
        )()

    def metadata(self) -> bytes:
        """Of a recording of one channel, of `SAMPLES` samples, with one to three changes."""
        whole = copy.deepcopy({"global": GLOBAL, "captures": CAPTURES, "annotations": ANNOTATIONS})
        for _ in range(self._random.choice([1, 1, 2, 3])):
            self._change(whole)
        return self._written(whole)

    def collection(self) -> dict[str, bytes]:
        """The files of two recordings, x and y, and of `c.sigmf-collection`, which names them."""
        choose = self._random
        good = json.dumps(
            {"global": {**GLOBAL, "core:dataset": "y.sigmf-data"}, "captures": CAPTURES, "annotations": []}
        )
        files = {"x.sigmf-meta": good.replace("y.", "x.").encode(), "y.sigmf-meta": good.encode()}
        if choose.random() < 0.4:
            files["y.sigmf-meta"] = self.metadata()
        streams = [{"name": name.partition(".")[0], "hash": _sha512(content)} for name, content in files.items()]
        whole = {"collection": {"core:version": "1.2.0", "core:streams": streams}}
        for _ in range(choose.choice([0, 1, 1, 2])):
            section = choose.choice([whole, whole.get("collection"), *streams])
            if isinstance(section, dict):
                section[choose.choice([*section, "core:extensions"])] = choose.choice(
                    [self.value(), [dict(stream) for stream in streams] * 40]
                )
        return files | {"c.sigmf-collection": self._written(whole)}

    def archive(self) -> bytes:
        """A tar file of a recording, with one to three changes to its members."""
        choose = self._random
        metadata = self.metadata() if choose.random() < 0.3 else _good()
        members = [(tarfile.TarInfo("x/x.sigmf-meta"), metadata), (tarfile.TarInfo("x/x.sigmf-data"), VALUES.tobytes())]
        for _ in range(choose.choice([0, 1, 1, 2])):
            members.insert(choose.randrange(len(members) + 1), self._member())
        if choose.random() < 0.3:
            choose.choice(members)[0].name = choose.choice(NAMES)
        buffer = io.BytesIO()
        with tarfile.open(
            fileobj=buffer, mode="w", format=choose.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
        ) as made:
            for member, content in members:
                member.size = member.size or len(content)
                try:
                    made.addfile(member)  # what it says of its size is written, whatever follows
                except (ValueError, UnicodeError):
                    continue
                made.fileobj.write(content + bytes(-len(content) % tarfile.BLOCKSIZE))
        whole = buffer.getvalue()
        return whole[: choose.randrange(len(whole))] if choose.random() < 0.05 else whole

    def _member(self) -> tuple[tarfile.TarInfo, bytes]:
        choose = self._random
        member = tarfile.TarInfo(choose.choice(NAMES))
        member.type = choose.choice(
            [tarfile.REGTYPE, tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE,
             tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE]
        )  # fmt: skip
        member.linkname = choose.choice(["x/x.sigmf-data", "/etc/passwd", "", "../../x"])
        member.size = choose.choice([0, 0, 0, 1, 511, 1 << 20, (1 << 33) - 1, 1 << 40])
        member.pax_headers = choose.choice(
            [{}, {}, {"size": "-1"}, {"size": "9" * 40}, {"path": "x/x.sigmf-meta"}, {"GNU.sparse.map": "0,8,8,-8"},
             {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}, {"comment": "c" * 4000}]
        )  # fmt: skip
        return member, choose.choice([b"", b"1", _good(), self.metadata(), VALUES.tobytes(), b"30 path=y\n" * 9])

    def _change(self, whole: dict) -> None:
        choose = self._random
        if choose.random() < 0.06:
            name = choose.choice([*whole, "collection", "other"])
            whole[name] = self.value()
            return
        found = [whole.get("global"), *self._list(whole, "captures"), *self._list(whole, "annotations")]
        sections = [section for section in found if isinstance(section, dict)]
        if not sections:
            return
        section = choose.choice(sections)
        kind = choose.random()
        names = [
            *section,
            *(GLOBAL if section is whole.get("global") else {**CAPTURES[0], **ANNOTATIONS[0]}),
            "other:x",
        ]
        name = choose.choice(names)
        if kind < 0.1:
            section.pop(name, None)
        elif kind < 0.15:
            section[choose.choice(TEXTS)] = self.value()
        elif kind < 0.2:
            entries = choose.choice([self._list(whole, "captures"), self._list(whole, "annotations")])
            if entries:
                entries.insert(
                    choose.randrange(len(entries) + 1), choose.choice([choose.choice(entries), self.value()])
                )
        elif name == "core:datetime" or (name == "core:dataset" and kind < 0.8):
            section[name] = choose.choice(TIMES if name == "core:datetime" else TEXTS)
        elif name in ("core:datatype", "core:label", "core:sha512", "core:version") and kind < 0.8:
            section[name] = choose.choice(TEXTS)
        elif kind < 0.7:
            section[name] = choose.choice(WHOLE)
        else:
            section[name] = self.value()

    @staticmethod
    def _list(whole: dict, name: str) -> list:
        return whole[name] if isinstance(whole.get(name), list) else []

    def _written(self, whole) -> bytes:
        """As JSON, now and then in another encoding, with a key twice, or a part of it gone."""
        choose = self._random
        sys.setrecursionlimit(20_000)
        sys.set_int_max_str_digits(0)
        text = json.dumps(whole, ensure_ascii=choose.random() < 0.5)
        sys.set_int_max_str_digits(4300)
        sys.setrecursionlimit(1000)
        kind = choose.random()
        if kind < 0.04:
            text = text.replace('"core:sample_start": 32', '"core:sample_start": 0, "core:sample_start": 32', 1)
        elif kind < 0.06:
            text = text.replace('"global"', '"global": {}, "global"', 1)
        elif kind < 0.08:
            text = text[: choose.randrange(len(text))]
        elif kind < 0.1:
            text = text.replace("1000000000.0", choose.choice(["1e999", "1e-999", "9" * 5000, "1E9", "01"]))
        encoding = choose.choice(["utf-8"] * 8 + ["utf-16", "utf-8-sig"])
        return text.encode(encoding, "surrogatepass")


def recording(folder: Path, change=lambda whole: None, text=str) -> Path:
    """A good recording in `folder` with a change of its values, or of its JSON."""
    whole = json.loads(json.dumps({"global": GLOBAL, "captures": CAPTURES, "annotations": ANNOTATIONS}))
    change(whole)
    (folder / "x.sigmf-data").write_bytes(VALUES.tobytes())
    path = folder / "x.sigmf-meta"
    path.write_text(text(json.dumps(whole)))
    return path
