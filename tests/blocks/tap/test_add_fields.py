# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a decision, made in one call: types as they are said, None left out, what is already there kept."""

import pmt
import pytest
from gnuradio.wfm.wfm_python import add_fields

KEYS = tuple(pmt.intern(name) for name in ("start", "index", "level", "late", "label", "time", "gone"))


def test_each_type():
    before = pmt.dict_add(pmt.make_dict(), pmt.intern("other"), pmt.from_long(3))
    time = pmt.make_tuple(pmt.from_uint64(2**60), pmt.from_double(0.5))
    made = add_fields(before, "uldbspd", KEYS, (2**63, -1, 1, True, "none", time, None))
    wanted = before
    for key, value in zip(
        KEYS,
        (pmt.from_uint64(2**63), pmt.from_long(-1), pmt.from_double(1.0), pmt.PMT_T, pmt.intern("none"), time),
        strict=False,
    ):
        wanted = pmt.dict_add(wanted, key, value)
    assert pmt.is_dict(made) and pmt.equal(made, wanted)
    assert pmt.is_uint64(pmt.dict_ref(made, KEYS[0], pmt.PMT_NIL)) and pmt.is_real(
        pmt.dict_ref(made, KEYS[2], pmt.PMT_NIL)
    )
    assert pmt.length(before) == 1, "the dict that was given is shared with others"


@pytest.mark.parametrize(
    ("types", "values", "error"),
    [
        ("ux", (1, 2), "'x': one of u, l, d, b, s, p"),
        ("u", (1, 2), "1 types, 2 keys and 2 values"),
        ("ud", (1,), "2 keys and 1"),
    ],
)
def test_what_does_not_fit(types, values, error):
    with pytest.raises(ValueError, match=error):
        add_fields(pmt.make_dict(), types, KEYS[:2], values)
    with pytest.raises((TypeError, RuntimeError)):
        add_fields(pmt.make_dict(), "u", KEYS[:1], ("text",))
