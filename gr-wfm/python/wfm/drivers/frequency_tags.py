# SPDX-License-Identifier: GPL-3.0-or-later
"""rx_freq and rx_rate tags for radios whose drivers emit none, by C++ blocks: no Python runs per sample."""

import pmt
from gnuradio import blocks, gr
from gnuradio.wfm import keys

_TAGS_PER_SECOND = 20


class FrequencyTags:
    """Puts the tuned frequency and the rate on every channel, about twenty times a second.

    The time of a retune is thus known to a twentieth of a second; where that matters use a radio with timed tags.
    """

    def __init__(self, sources: list, sample_rate: float, center_freq: float):
        """`sources`: (block, port) of each channel."""
        every = max(1, int(sample_rate / _TAGS_PER_SECOND))
        self._strobe = blocks.tags_strobe(gr.sizeof_char, pmt.from_double(center_freq), every, keys.RX_FREQ)
        rate = blocks.tags_strobe(gr.sizeof_char, pmt.from_double(sample_rate), every, keys.RX_RATE)
        both = blocks.tag_share(gr.sizeof_char, gr.sizeof_char)
        self.connections = [((self._strobe, 0), (both, 0)), ((rate, 0), (both, 1))]
        self.outputs = []
        for source in sources:
            share = blocks.tag_share(gr.sizeof_gr_complex, gr.sizeof_char)
            self.connections += [(source, (share, 0)), ((both, 0), (share, 1))]
            self.outputs.append((share, 0))

    def set_center_freq(self, center_freq: float) -> None:
        self._strobe.set_value(pmt.from_double(center_freq))
