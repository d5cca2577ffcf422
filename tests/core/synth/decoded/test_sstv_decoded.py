# SPDX-License-Identifier: GPL-3.0-or-later
"""Slow-scan television, read by the package sstv (PyPI)."""

import numpy as np
import pytest
from receiving import between_silence, discriminated, sideband_audio, sixteen_bits, tell

from wfm_core.synth.signals.amateur import sstv as sender
from wfm_core.synth.signals.content import picture

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("way", ["sstv-usb", "sstv-fm"])
def test_pictures_arrive(way):
    receiver = pytest.importorskip("sstv", reason="sstv is not installed (pip install sstv)")
    rng, decoded, sent = np.random.default_rng(1), 0, 0
    for mode in sender.MODES:
        image = picture(mode.height, mode.width, rng)
        segments = sender.whole(mode, image)
        if way == "sstv-usb":
            rate = sender.SIDEBAND_RATE
            samples = sender.in_sideband(sender.tones_of(segments, rate))
            audio = sideband_audio(between_silence(samples, rate), rate, 12000, sender.CENTRE, rng)
        else:
            rate = sender.FM_RATE
            samples = sender.in_fm(sender.tones_of(segments, rate), 3000)
            audio = discriminated(between_silence(samples, rate), rate, 24000, rng)[::2] / 4000
        images = receiver.decode(sixteen_bits(audio, 1.5), 12000)
        sent += 1
        if images:
            seen = np.asarray(images[0].convert("RGB"), np.float64) / 255
            if seen.shape == image.shape:
                likeness = np.corrcoef(seen.mean(2).ravel(), image.mean(2).ravel())[0, 1]
                decoded += likeness > 0.85
    tell("sstv", way, "sstv", decoded, sent)
