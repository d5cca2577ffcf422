# SPDX-License-Identifier: GPL-3.0-or-later
"""Says a radio's time, rate and frequency again and again, for whoever joins late or loses samples on the way."""

import math
import threading

import numpy as np
import pmt
from gnuradio import gr
from gnuradio.wfm import fields, keys
from gnuradio.wfm.guard import Guard, guarded, guarded_start, guarded_stop

_NAME = "wfm_tag_repeater"
_SLOWEST, _FASTEST = 1e-3, 1e12  # Hz
_NO_CLOCK = (0, 0, 0.0)
"""An item, and the time at it: whole seconds and a fraction."""


class tag_repeater(gr.sync_block):
    """Passes items through; every `interval` of them has rx_time, rx_rate and rx_freq tags.

    Between the radio's own tags time goes on at the rate; without any, and where it becomes unknown (PMT_NIL), it
    begins at 0. A gap on the way shows then as a jump of rx_time of just as many samples, which WFM Inference counts,
    and no window spans it.

    Args:
        channels: samples of an item, one a channel: complex64 vectors.
        sample_rate: Hz, until rx_rate tags say otherwise.
        interval: items from tag to tag.
    """

    def __init__(self, channels: int, sample_rate: float, interval: int):
        kind = (np.complex64, channels) if channels > 1 else np.complex64
        gr.sync_block.__init__(self, name=_NAME, in_sig=[kind], out_sig=[kind])
        self.set_tag_propagation_policy(gr.TPP_DONT)
        self.set_output_multiple(interval)
        self._interval = interval
        self._rate, self._freq = float(sample_rate), None
        self._anchor = _NO_CLOCK
        self._finished = False
        self._source = pmt.intern(_NAME)
        self._guard = Guard(gr.logger("wfm.sample_publisher").warn)
        self.ended = threading.Event()
        """Set when the stream has ended."""

    @property
    def items(self) -> int:
        """Items passed on so far."""
        return self.nitems_written(0)

    @guarded_start
    def start(self) -> bool:
        self._anchor = _NO_CLOCK  # a flowgraph that starts again counts its items anew
        self.ended.clear()
        self._finished = False
        return True

    def finish(self) -> None:
        """End the stream with the next samples."""
        self._finished = True

    @guarded_stop
    def stop(self) -> bool:
        self.ended.set()
        return True

    def work(self, input_items, output_items):
        if self._finished:
            return -1  # WORK_DONE, which gr has as no number
        count = len(output_items[0]) // self._interval * self._interval
        output_items[0][:count] = input_items[0][:count]
        first = self.nitems_written(0)
        own = sorted(self.get_tags_in_window(0, 0, count), key=lambda tag: tag.offset)
        for start in range(first, first + count, self._interval):
            here = [tag for tag in own if start <= tag.offset < start + self._interval]
            for tag in here:
                if tag.offset == start:
                    self._note(tag)
            self._say(start)
            for tag in here:
                if tag.offset > start:
                    self._note(tag)
                if _is_unknown_time(tag):
                    if tag.offset > start:
                        self.add_item_tag(0, tag.offset, tag.key, self._stamp(tag.offset), self._source)
                elif tag.offset > start or not _is_radios(tag) or pmt.is_null(tag.value):
                    self.add_item_tag(0, tag.offset, tag.key, tag.value, tag.srcid)
        return count

    @guarded("a radio's tag was passed on without a meaning")
    def _note(self, tag) -> None:
        """Take over what a radio's tag says; what is not as UHD sends it is passed on and means nothing here."""
        if pmt.eq(tag.key, keys.RX_TIME):
            # Of an unknown time, which is nil, the count of samples goes on by itself.
            self._anchor = (tag.offset, *(fields.rx_time({"rx_time": pmt.to_python(tag.value)}) or _NO_CLOCK[1:]))
        elif pmt.eq(tag.key, keys.RX_RATE):
            rate = fields.number({"rx_rate": pmt.to_python(tag.value)}, "rx_rate")
            if not _SLOWEST <= rate <= _FASTEST:
                raise ValueError(f"rx_rate {rate:g} Hz: {_SLOWEST:g} to {_FASTEST:g} are expected")
            self._anchor = (tag.offset, *self._time(tag.offset))
            self._rate = rate
        elif pmt.eq(tag.key, keys.RX_FREQ):
            self._freq = fields.rx_freq({"rx_freq": pmt.to_python(tag.value)})

    def _time(self, item: int) -> tuple[int, float]:
        start, secs, frac = self._anchor
        whole = math.floor(frac + (item - start) / self._rate)
        return secs + whole, frac + (item - start) / self._rate - whole

    def _stamp(self, item: int) -> pmt.pmt_base:
        """The time at an item as UHD has it; before 1970 the whole seconds are negative."""
        secs, frac = self._time(item)
        whole = pmt.from_uint64(secs) if secs >= 0 else pmt.from_long(secs)
        return pmt.make_tuple(whole, pmt.from_double(frac))

    def _say(self, item: int) -> None:
        time = self._stamp(item)
        self.add_item_tag(0, item, keys.RX_RATE, pmt.from_double(self._rate), self._source)
        self.add_item_tag(0, item, keys.RX_TIME, time, self._source)
        if self._freq is not None:
            self.add_item_tag(0, item, keys.RX_FREQ, pmt.from_double(self._freq), self._source)


def _is_unknown_time(tag) -> bool:
    return pmt.eq(tag.key, keys.RX_TIME) and pmt.is_null(tag.value)


def _is_radios(tag) -> bool:
    return any(pmt.eq(tag.key, key) for key in (keys.RX_TIME, keys.RX_RATE, keys.RX_FREQ))
