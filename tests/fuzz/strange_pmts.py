# SPDX-License-Identifier: GPL-3.0-or-later
"""PMTs that an unknown sender might send: any tree of values, and good messages with something wrong in them."""

import math
import random

import pmt

_WHOLE = (0, 1, -1, 7, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63))
_REAL = (0.0, -0.0, 0.5, -1.5, 1e300, -1e300, 5e-324, math.nan, math.inf, -math.inf)
_TEXT = (
    "",
    "x",
    "none",
    "begin",
    "end",
    "interference",
    "activity",
    "unknown",
    "St\u00f6rung",
    "a\nb",
    "\x1b[2J",
    "z" * 5000,
)
_KEYS = (
    "task", "label", "labels", "index", "score", "position", "sample_start", "sample_count", "level", "rx_time",
    "rx_freq", "event", "duration", "embedding", "shape", "antenna", "packet_num", "packets_lost", "lost_so_far",
    "window_tasks", "text", "path", "radio", "samples_in", "samples_lost", "queue_depth", "ended", "enrol", "windows",
    "forget", "threshold", "tasks", "gate_dbfs", "hop",
    "freq_lower_edge", "freq_upper_edge", "snr_db", "samples_before",
)  # fmt: skip
_DEEPEST = 4


class Stranger:
    """Makes PMTs; the same seed makes the same ones."""

    def __init__(self, seed: int):
        self._random = random.Random(seed)

    def message(self, good: list[pmt.pmt_base]) -> pmt.pmt_base:
        """Anything, or one of `good` with one to three changes."""
        choose = self._random
        if not good or choose.random() < 0.3:
            return self.value()
        found = choose.choice(good)
        for _ in range(choose.randint(1, 3)):
            found = self._changed(found)
        return found

    def value(self, depth: int = 0) -> pmt.pmt_base:
        kinds = [self._scalar, self._vector]
        if depth < _DEEPEST:
            kinds += [self._dict, self._pair, self._tuple, self._mixed]
        return self._random.choice(kinds)(depth + 1)

    def _changed(self, message: pmt.pmt_base) -> pmt.pmt_base:
        choose = self._random
        if pmt.is_dict(message) and not pmt.is_null(message) and not pmt.is_uniform_vector(pmt.cdr(message)):
            return self._changed_dict(message)
        if not pmt.is_pair(message) or choose.random() < 0.1:
            return self.value()
        if choose.random() < 0.25:
            return pmt.cons(pmt.car(message), self.value())
        if not pmt.is_dict(pmt.car(message)):
            return pmt.cons(self.value(), pmt.cdr(message))
        return pmt.cons(self._changed_dict(pmt.car(message)), pmt.cdr(message))

    def _changed_dict(self, fields: pmt.pmt_base) -> pmt.pmt_base:
        choose = self._random
        own = [pmt.nth(i, pmt.dict_keys(fields)) for i in range(pmt.length(pmt.dict_keys(fields)))]
        if own and choose.random() < 0.2:
            return pmt.dict_delete(fields, choose.choice(own))
        key = choose.choice(own) if own and choose.random() < 0.8 else self._key()
        return pmt.dict_add(fields, key, self.value(_DEEPEST - 1))

    def _key(self) -> pmt.pmt_base:
        return pmt.intern(self._random.choice(_KEYS)) if self._random.random() < 0.8 else self.value(_DEEPEST)

    def _scalar(self, depth: int) -> pmt.pmt_base:
        choose = self._random
        return choose.choice(
            [
                lambda: pmt.PMT_NIL,
                lambda: pmt.from_bool(choose.random() < 0.5),
                lambda: pmt.from_long(choose.choice(_WHOLE)),
                lambda: pmt.from_uint64(choose.choice((0, 1, 2**63 - 1, 2**63, 2**64 - 1))),
                lambda: pmt.from_double(choose.choice(_REAL)),
                lambda: pmt.from_complex(choose.choice(_REAL) + 1j),
                lambda: pmt.intern(choose.choice(_TEXT)),
            ]
        )()

    def _vector(self, depth: int) -> pmt.pmt_base:
        choose = self._random
        size = choose.choice((0, 1, 2, 3, 4, 48))
        real = [choose.choice(_REAL[:5] if choose.random() < 0.7 else _REAL) for _ in range(size)]
        single = [x if abs(x) < 3e38 or not math.isfinite(x) else 3e38 for x in real]
        return choose.choice(
            [
                lambda: pmt.init_f32vector(size, single),
                lambda: pmt.init_f64vector(size, real),
                lambda: pmt.init_c32vector(size, [complex(x, 1) for x in single]),
                lambda: pmt.init_u8vector(size, [7] * size),
                lambda: pmt.init_s32vector(size, [-7] * size),
            ]
        )()

    def _dict(self, depth: int) -> pmt.pmt_base:
        made = pmt.make_dict()
        for _ in range(self._random.randint(0, 4)):
            made = pmt.dict_add(made, self._key(), self.value(depth))
        return made

    def _pair(self, depth: int) -> pmt.pmt_base:
        return pmt.cons(self._key(), self.value(depth))

    def _tuple(self, depth: int) -> pmt.pmt_base:
        return pmt.make_tuple(*(self.value(depth) for _ in range(self._random.randint(1, 3))))

    def _mixed(self, depth: int) -> pmt.pmt_base:
        size = self._random.randint(0, 3)
        made = pmt.make_vector(size, pmt.PMT_NIL)
        for i in range(size):
            pmt.vector_set(made, i, self.value(depth))
        return made
