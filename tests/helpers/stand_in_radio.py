# SPDX-License-Identifier: GPL-3.0-or-later
"""A radio without a device, for what commands radios."""

import pmt
from gnuradio import wfm

RATE = 1000.0


class Radio:
    """What `radio_control` needs of a `wfm.drivers.radio.Radio`."""

    clock, differences, late_commands = "host", (), 0

    def __init__(self, channels=2):
        self.channels, self.freqs, self.sample_rate = channels, [1e9] * channels, RATE
        self.tagger = wfm.radio_tagger(channels, RATE, self.freqs, False, False)
        self.did, self.forwards, self.broken, self.said = [], True, "", []

    def set_center_freqs(self, freqs, at=None):
        self.did.append(("freq", list(freqs), at))
        self.freqs = list(freqs)

    def set_gain(self, gain, channel):
        self.did.append(("gain", gain, channel))

    def forward(self, message):
        self.did.append(("forward", pmt.to_python(message)))
        return self.forwards

    def warnings(self):
        said, self.said = self.said, []
        return said

    def failure(self):
        return self.broken

    def hush(self, quiet):
        self.did.append(("hush", quiet))
