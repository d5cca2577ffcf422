# SPDX-License-Identifier: GPL-3.0-or-later
"""Pickles from others: a dict of arrays is read in every protocol, all else is one sentence, and nothing is run."""

import os
import pickle
import pickletools
import struct

import numpy as np
import pytest

from wfm_core.base.errors import WfmError
from wfm_core.data import pickle_file
from wfm_core.data.pickle_file import open_pickle

ARRAYS = {
    ("QPSK", -20): np.random.default_rng(0).standard_normal((5, 2, 128)).astype(np.float32),
    ("AM-DSB", 18): np.random.default_rng(1).standard_normal((300, 2)).astype(">f4"),
    ("fortran", 70_000): np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    ("bytes", 10**12): np.arange(256).astype(np.uint8),
    ("complex", 0): np.ones((2, 3), np.complex64) * 1j,
}


def read(path):
    with open_pickle(path) as (entries, values):
        return {key: values(array) for key, array in entries.items()}


def refused(path, content: bytes, reason: str):
    path.write_bytes(content)
    with pytest.raises(WfmError, match=reason) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert "nothing in it is run" in str(caught.value)


def python2(arrays: dict) -> bytes:
    """Protocol 0 as Python 2 writes it: bytes are a quoted text with escapes. The set of 2016 is such a file."""

    def quoted(data: bytes) -> bytes:
        return b"S" + repr(data)[1:].encode() + b"\n"

    parts = [b"(dp0\n"]
    for number, ((name, snr), values) in enumerate(arrays.items()):
        place, data = 100 * number, np.ascontiguousarray(values)
        order, code = data.dtype.str[0], data.dtype.str[1:]
        parts += [
            b"(", quoted(name.encode()), b"p%d\n" % (place + 1), b"I%d\n" % snr, b"tp%d\n" % (place + 2),
            b"cnumpy.core.multiarray\n_reconstruct\np%d\n(cnumpy\nndarray\np%d\n(I0\ntp%d\n" % (
                place + 3, place + 4, place + 5),
            quoted(b"b"), b"p%d\ntp%d\nRp%d\n(I1\n(" % (place + 6, place + 7, place + 8),
            *(b"I%d\n" % length for length in data.shape), b"tp%d\ncnumpy\ndtype\np%d\n(" % (place + 9, place + 10),
            quoted(code.encode()), b"p%d\nI0\nI1\ntp%d\nRp%d\n(I3\n" % (place + 11, place + 12, place + 13),
            quoted(order.encode()), b"p%d\nNNNI-1\nI-1\nI0\ntp%d\nbI00\n" % (place + 14, place + 15),
            quoted(data.tobytes()), b"p%d\ntp%d\nbs" % (place + 16, place + 17),
        ]  # fmt: skip
    return b"".join(parts) + b"."


def same(found, wanted):
    assert found.keys() == wanted.keys()
    for key, values in wanted.items():
        assert found[key].dtype == values.dtype
        np.testing.assert_array_equal(found[key], values)


@pytest.mark.parametrize("protocol", range(5))
def test_arrays_of_every_protocol(tmp_path, protocol):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(ARRAYS, protocol))
    same(read(path), ARRAYS)
    path.write_bytes(pickletools.optimize(pickle.dumps(ARRAYS, protocol)))
    same(read(path), ARRAYS)


def test_a_file_of_python_2(tmp_path):
    path = tmp_path / "x.pkl"
    wanted = {key: np.ascontiguousarray(values) for key, values in ARRAYS.items()}
    path.write_bytes(python2(wanted))
    for key, values in pickle.loads(path.read_bytes(), encoding="latin1").items():
        np.testing.assert_array_equal(values, wanted[key], err_msg="the test writes what Python reads")
    same(read(path), wanted)


def test_names_of_numpy_2(tmp_path):
    path = tmp_path / "x.pkl"
    key = ("QPSK", -20)
    content = pickle.dumps({key: ARRAYS[key]}, 2)
    for old in (b"cnumpy.core.multiarray\n", b"cnumpy._core.multiarray\n"):
        content = content.replace(old, b"cnumpy._core.multiarray\n")
    path.write_bytes(content)
    same(read(path), {key: ARRAYS[key]})


class Runs:
    """What a pickle of someone malicious holds."""

    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return self.made


@pytest.mark.parametrize("protocol", range(5))
def test_what_would_run_is_refused_and_not_run(tmp_path, protocol):
    path, mark = tmp_path / "x.pkl", tmp_path / "mark"
    calls = [
        (os.system, (f"touch {mark}",)), (eval, (f"open({str(mark)!r}, 'w')",)), (os.mkdir, (str(mark),)),
        (exec, ("import os",)), (np.load, (str(mark),)),
    ]  # fmt: skip
    for call in calls:
        for held in (Runs(call), {("a", 1): Runs(call)}, {("a", Runs(call)): ARRAYS["QPSK", -20]}):
            refused(path, pickle.dumps(held, protocol), "it asks for|opcode")
    assert not mark.exists()


ARRAY = pickle.dumps(ARRAYS["QPSK", -20], 2)[2:-1]
"""One array, without the head and the end."""
KEY = b"X\x01\x00\x00\x00aK\x01\x86"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"cbuiltins\neval\nX\x01\x00\x00\x001\x85R.", "it asks for builtins.eval"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "it asks for os.system"),
        (b"cnumpy\nload\n.", "it asks for numpy.load"),
        (b"c" + "pösix\nsystem\n.".encode(), "ascii"),
        (b"(S'ls'\nios\nsystem\n.", "opcode b'i'"),
        (b"(cos\nsystem\nS'ls'\no.", "it asks for os.system"),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "opcode b'\\\\x81'"),
        (b"\x80\x02\x82\x01.", "opcode b'\\\\x82'"),
        (b"Pid\n.", "opcode b'P'"),
        (b"\x80\x02cnumpy\ndtype\n}b.", "a state for no array"),
        (b"\x80\x02cnumpy\nndarray\nK\x01\x85R.", "a call of something"),
        (b"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R.", "an array of type O8, not of numbers"),
        (b"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00V8\x89\x88\x87R.", "an array of type V8, not of numbers"),
        (b"\x80\x02K\x01K\x02\x85R.", "a call of something"),
        (b"", "it ends too early"),
        (b"\x80\x02}.", "no dict of arrays"),
        (b"\x80\x02}" + KEY + b"K\x01s.", r"\('a', 1\) is no array of numbers"),
        (b"\x80\x02}K\x01" + ARRAY + b"s.", "a key that is not"),
        (b"\x80\x02}" + KEY + ARRAY + b"s" + KEY + ARRAY + b"s.", "twice"),
        (b"\x80\x02}" + KEY + ARRAY + b"s.more", "4 bytes behind its end"),
        (b"\x80\x02}(" + KEY + b"u.", "entries for no dict"),
        (b"\x80\x02s.", "too few values"),
        (b"\x80\x02t.", "a mark is missing"),
        (b"h\x05.", "nothing is remembered at 5"),
        (b"Nq\x01q\x01.", "something twice"),
        (b"I" + b"9" * 5000 + b"\n.", "does not end within 200 bytes"),
        (b"\x8a\xff\x01.", "it ends too early"),
        (b"X" + struct.pack("<I", 0xFFFFFFFF) + b"a.", "a text of 4294967295 bytes"),
        (b"\x8e" + struct.pack("<Q", 1 << 62) + b"a.", "a text of 4611686018427387904 bytes"),
        (b"T" + struct.pack("<i", -1) + b"a.", "a text of -1 bytes"),
        (b"N" * 20_001 + b".", "more than 20000 opcodes"),
    ],
)  # fmt: skip
def test_forged_files_are_refused(tmp_path, monkeypatch, content, reason):
    monkeypatch.setattr(pickle_file, "OPCODES_LIMIT", 20_000)
    refused(tmp_path / "x.pkl", content, reason)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"K\x05K\x02K\x80", b"K\x05K\x02K\x81", "needs 5160 bytes"),
        (b"K\x05K\x02K\x80", b"K\x05K\x02K\x00", r"an array of \[5, 2, 0\]"),
        (b"K\x05K\x02K\x80", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f", "needs"),
        (b"f4", b"f8", "needs 10240 bytes"),
        (b"f4", b"O4", "an array of type O4"),
        (b"NNN", b"NK\x01N", "with parts"),
    ],
)
def test_arrays_that_are_not_what_they_say(tmp_path, old, new, reason):
    content = pickle.dumps({("QPSK", -20): ARRAYS["QPSK", -20]}, 3)
    assert content.count(old) == 1
    refused(tmp_path / "x.pkl", content.replace(old, new), reason)


@pytest.mark.parametrize("protocol", range(5))
def test_a_file_that_is_cut_off(tmp_path, protocol):
    content = pickle.dumps(ARRAYS, protocol)
    for end in (1, 10, len(content) // 2, len(content) - 1):
        refused(tmp_path / "x.pkl", content[:end], "is refused as a pickle of arrays")


def test_one_array_or_its_bytes_cannot_stand_for_many(tmp_path):
    values = ARRAYS["QPSK", -20]
    refused(tmp_path / "x.pkl", pickle.dumps({("a", 1): values, ("a", 2): values}), r"\('a', 2\) is there twice")


def test_tuples_within_tuples_cost_nothing(tmp_path):
    """Each holds the last one many times: whoever went through it would not come back."""
    wide = b"".join(
        b"(" + bytes((ord("h"), level)) * 20 + bytes((ord("t"), ord("q"), level + 1)) for level in range(60)
    )
    refused(tmp_path / "x.pkl", b"\x80\x02)q\x00" + wide + b".", "it holds no dict of arrays")
    refused(tmp_path / "x.pkl", b"\x80\x02)q\x00" + wide + b"K\x01\x86}h\x3ch\x3cs.", "a key that is not")
    deep = b"\x80\x02)" + b"\x85" * 100_000 + b"."
    refused(tmp_path / "x.pkl", deep, "no dict of arrays")
