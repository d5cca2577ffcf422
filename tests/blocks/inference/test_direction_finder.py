# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM Direction Finder on simulated coherent channels: calibrated in the running flowgraph, it follows what moves."""

import time

import numpy as np
import pmt
import pytest
import torch
from flowgraph_helpers import Collector, RuleBundle
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.events.quantity_smoother import quantity_smoother
from gnuradio.wfm.inference.directions.channel_calibration import ChannelCalibration
from gnuradio.wfm.ports import keys, messages

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.weightless.music_bundle import MUSIC, MusicBundle
from wfm_core.synth.arrays import steering

WINDOW, CHANNELS = 512, 4
WINDOWS = {"calibration": 24, "bearings": 40}


class Air:
    """Samples complex64 [CHANNELS, n] of a source at given degrees, through channels that differ at each frequency."""

    def __init__(self, seed: int = 4, gains: tuple[float, float] = (0.6, 1.4)):
        self._rng, self._gains = np.random.default_rng(seed), gains
        self._channels, self.parts, self.tags, self.truth = {}, [], [], []

    @property
    def samples(self) -> int:
        return sum(part.shape[1] for part in self.parts)

    def tune(self, freq: float) -> None:
        if freq not in self._channels:
            phases = self._rng.uniform(-np.pi, np.pi, CHANNELS)
            self._channels[freq] = self._rng.uniform(*self._gains, CHANNELS) * np.exp(1j * phases)
        self._now = self._channels[freq]
        tag = gr.tag_t()
        tag.offset, tag.key, tag.value = self.samples, pmt.intern("rx_freq"), pmt.from_double(freq)
        self.tags.append(tag)

    def hear(self, angles, other: float | None = None) -> None:
        """A window from each of the angles, with a second source at `other` degrees if there is one."""
        for angle in angles:
            noise = self._rng.standard_normal((2, CHANNELS + 2, WINDOW)) * np.sqrt(0.5)
            noise = noise[0] + 1j * noise[1]
            sent, own = noise[:2], noise[2:]
            heard = [angle] if other is None else [angle, other]
            wave = steering(torch.tensor(heard, dtype=torch.float32), CHANNELS).numpy().T @ sent[: len(heard)]
            self.truth.append((self.samples, float(angle)))
            self.parts.append((0.1 * (self._now[:, None] * wave + 0.1 * own)).astype(np.complex64))


def detection(number: int, angles: list[float]) -> messages.Detection:
    """Of the window of that number."""
    return messages.Detection("angles", number * WINDOW, WINDOW, None, None, -20.0, {"angles": angles})


class Gate(gr.sync_block):
    """Lets a stream through up to where an order is due, waits until the finder has decided that far, and gives it."""

    def __init__(self, orders: dict[int, float], finder):
        gr.sync_block.__init__(self, name="gate", in_sig=[np.complex64], out_sig=[np.complex64])
        self._orders, self._finder = sorted(orders.items()), finder

    def work(self, input_items, output_items):
        count, begin = len(input_items[0]), self.nitems_read(0)
        if self._orders and begin >= self._orders[0][0]:
            due, angle = self._orders[0]
            if self._finder.status()["windows_inferred"] * WINDOW < due:
                time.sleep(0.002)
                return 0
            self._orders.pop(0)
            self._finder.calibrate(angle)
        if self._orders:
            count = min(count, self._orders[0][0] - begin)
        output_items[0][:count] = input_items[0][:count]
        return count


def run(air: Air, orders: dict[int, float], **parameters):
    """Each order is given when all windows before its sample are decided."""
    block = wfm.direction_finder(
        MUSIC, CHANNELS, 1e6, **{"policy": "lossless", "calibration_windows": 16, "windows": 4, **parameters}
    )
    top, ports = gr.top_block(), {name: Collector() for name in ("bearings", "detects", "status", "notices")}
    whole = np.concatenate(air.parts, 1)
    gate = Gate(orders, block)
    for channel in range(CHANNELS):
        source = blocks.vector_source_c(whole[channel].tolist(), False, 1, [] if channel else air.tags)
        held = () if channel else (gate,)
        top.connect(source, *held, (block, channel), blocks.null_sink(gr.sizeof_gr_complex))
    for name, port in ports.items():
        top.msg_connect(block, name, port, "in")
    top.run()
    return ports


def test_bearings_follow_and_a_calibration_survives_a_retune():
    air, moving = Air(), np.linspace(-50, 50, WINDOWS["bearings"])
    orders = {}
    air.tune(100e6)
    air.hear([0.0] * 8)  # nothing is known yet
    first = air.samples
    orders[air.samples] = 10.0
    air.hear([10.0] * WINDOWS["calibration"])
    one = air.samples
    air.hear(moving)
    air.tune(200e6)
    refused = air.samples
    air.hear(moving)
    orders[air.samples] = -20.0
    air.hear([-20.0] * WINDOWS["calibration"])
    two = air.samples
    air.hear(moving)
    air.tune(100e6)
    back = air.samples
    air.hear(moving)
    ports = run(air, orders)
    truth = dict(air.truth)
    found = {one.sample_start: one.decision["angle"][0] for one in ports["detects"].detections()}
    for begin in (one, two, back):
        wanted = range(begin, begin + len(moving) * WINDOW, WINDOW)
        assert set(wanted) <= set(found), begin
        errors = [abs(found[start] - truth[start]) for start in wanted]
        assert len(errors) == len(moving) and max(errors) < 3, begin
    assert not [start for start in found if start < first or refused <= start < two - 8 * WINDOW]
    smooth = ports["bearings"].detections()
    assert len(smooth) == len(found) and smooth[-1].task == "angle"
    assert abs(smooth[-1].decision["angle"][0] - truth[smooth[-1].sample_start]) < 8, "the mean of the last four"
    status = ports["status"].dicts()[-1]
    assert status["calibration"] == "calibrated" and status["frequencies_calibrated"] == 2
    assert status["windows_uncalibrated"] == len(truth) - len(found)
    said = [notice for notice in ports["notices"].dicts() if notice["event"] == "calibrated"]
    assert [notice["text"].partition(":")[0] for notice in said] == [
        "calibrate 10 at 100 MHz",
        "calibrate -20 at 200 MHz",
    ]


def test_receivers_that_forget_are_refused_when_they_come_back():
    air = Air()
    air.tune(100e6)
    orders = {air.samples: 0.0}
    air.hear([0.0] * WINDOWS["calibration"])
    air.tune(200e6)
    air.hear([0.0] * 8)
    air.tune(100e6)
    air.hear([0.0] * 8)
    last = air.samples - 8 * WINDOW
    found = run(air, orders, keep=False)["detects"].detections()
    assert found and max(one.sample_start for one in found) < last - 8 * WINDOW


def test_what_was_calibrated_elsewhere_is_decided_without():
    air = Air()
    air.tune(1e6)
    air._now = np.ones(CHANNELS)
    air.hear([30.0] * 4)
    ports = run(air, {}, uncalibrated="decide")
    assert [round(one.decision["angle"][0]) for one in ports["detects"].detections()] == [30] * 4
    assert ports["status"].dicts()[-1]["calibration"] == "not calibrated"


def test_two_sources_have_a_bearing_each():
    air, moving = Air(gains=(0.85, 1.2)), np.linspace(-50, 0, WINDOWS["bearings"])
    air.tune(100e6)
    orders = {air.samples: 10.0}
    air.hear([10.0] * WINDOWS["calibration"])
    begin = air.samples
    air.hear(moving, other=30.0)
    alone = air.samples
    air.hear(moving)
    silent = air.samples
    noise = air._rng.standard_normal((2, CHANNELS, 4 * WINDOW))
    air.parts.append((0.01 * (noise[0] + 1j * noise[1])).astype(np.complex64))
    ports = run(air, orders, sources=2, windows=1)
    truth = dict(air.truth)
    for name in ("detects", "bearings"):
        found = {one.sample_start: one.decision["angles"] for one in ports[name].detections()}
        for start in range(begin, silent, WINDOW):
            wanted = [truth[start], 30.0] if start < alone else [truth[start]]
            assert len(found[start]) == len(wanted), (name, start)
            assert np.abs(np.subtract(found[start], wanted)).max() < 3, (name, start)
        assert found[silent] == [], "nothing on the air is no source"


def test_bearings_of_several_are_means_of_as_many_as_most_windows_found():
    smoother = quantity_smoother("angles", keys.BEARINGS, 5)
    told = [
        smoother._smooth(detection(number, angles)).tolist()
        for number, angles in enumerate(([10.0], [0.0, 20.0], [2.0, 22.0], [50.0], [4.0, 24.0]))
    ]
    assert told == [[10.0], [0.0, 20.0], [1.0, 21.0], [30.0], [2.0, 22.0]]


def test_noise_calibrates_nothing():
    told = []
    calibration = ChannelCalibration(3, 4, True, lambda kind, text: told.append((kind, text)))
    calibration.request(0.0)
    assert calibration.status()["calibration"] == "calibrating"
    noise = np.random.default_rng(1).standard_normal((8, 3, 128)).astype(np.complex64)
    calibration.apply([None] * 8, noise)
    assert [kind for kind, _ in told] == ["refused"] and "use a stronger source" in told[0][1]
    calibration.request(0.0)
    assert not calibration.apply([5e6] * 8, np.zeros((8, 3, 128), np.complex64)).any()
    assert "0.0 times as strong" in told[1][1]
    calibration.request(0.0)
    tone = np.array([1, 1, 1e-3], np.complex64)[:, None] * np.ones((8, 3, 128), np.complex64)
    calibration.apply([5e6] * 8, tone)
    assert "channel 2 hears next to nothing" in told[2][1]


def test_a_calibration_begins_again_at_another_frequency():
    told = []
    calibration = ChannelCalibration(2, 4, True, lambda kind, text: told.append(text))
    calibration.request(0.0)
    tone = np.ones((6, 2, 64), np.complex64) * np.array([1, 2j])[:, None]
    windows = tone.astype(np.complex64)
    assert not calibration.apply([1e6, 1e6, 2e6, 2e6, 2e6, 2e6], windows).any()
    assert told == ["calibrate 0 at 2 MHz: channels against the first are off by +6.0 dB +90 deg"]
    assert calibration.apply([2e6, 1e6], windows[:2]).tolist() == [True, False]
    np.testing.assert_allclose(windows[0], 1, atol=1e-5)


def test_what_does_not_fit_is_refused():
    for changes, reason in (
        ({"channels": 1}, "1 channels, bundle .* tells directions by 2 to 2 antennas"),
        ({"uncalibrated": "guess"}, "uncalibrated 'guess'"),
        ({"windows": 0}, "smoothing over 0 windows"),
        ({"sources": 4}, "4 sources with 4 channels"),
        ({"sources": 4, "channels": 8}, "MUSIC for 4 sources; 1 to 3"),
    ):
        with pytest.raises(WfmError, match=reason):
            wfm.direction_finder(MUSIC, **{"channels": CHANNELS, **changes})
    with pytest.raises(WfmError, match="5 channels, bundle .* by 2 to 4 antennas"):
        wfm.direction_finder(MusicBundle(4), 5)
    with pytest.raises(WfmError, match="angle is expected here"):
        wfm.direction_finder(RuleBundle())
    block = wfm.direction_finder(MUSIC, CHANNELS)
    with pytest.raises(ValueError, match="calibrate 91: a number from -90 to 90"):
        block.calibrate(91)
    with pytest.raises(ValueError, match="WFM Direction Finder takes calibrate"):
        wfm.inference(MusicBundle(CHANNELS), CHANNELS).engine.control("calibrate", 0.0)
