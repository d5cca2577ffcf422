# SPDX-License-Identifier: GPL-3.0-or-later
"""USRPs without one: clocks of several boards, UHD's log, what was asked and what was got."""

from types import SimpleNamespace

import pytest
from gnuradio.wfm.radio import radio_settings
from gnuradio.wfm.radio.drivers import RadioOptions, Request, uhd_time
from gnuradio.wfm.radio.drivers.uhd_log import sentences

from wfm_core.base.errors import WfmError


class Time(float):
    def get_real_secs(self):
        return float(self)


class Boards:
    """The clocks of some USRPs: time goes on when somebody sleeps; all edges of the PPS come at once."""

    def __init__(self, count=1, pps=True, sensors=(), locked=True, apart=0.0):
        self.count, self.pps, self.sensors, self.locked, self.apart = count, pps, sensors, locked, apart
        self.now, self.offset, self.next_pps, self.set = 1000.4, 0.0, None, []
        self.references = []

    def sleep(self, seconds):
        edge = int(self.now + seconds) > int(self.now)
        self.now += seconds
        if edge and self.pps and self.next_pps is not None:
            self.offset = self.next_pps - int(self.now)
            self.next_pps = None

    def get_num_mboards(self):
        return self.count

    def get_time_last_pps(self, board):
        if not self.pps:
            return Time(0)
        return Time(int(self.now) + self.offset + (self.apart if board else 0.0))

    def set_time_now(self, time):
        self.set.append(("now", float(time)))

    def set_time_next_pps(self, time):
        self.next_pps = float(time)
        self.set.append(("pps", float(time)))

    def get_time_source(self, board):
        return "none"

    def get_clock_sources(self, board):
        return ("internal", "external")

    get_time_sources = get_clock_sources

    def set_clock_source(self, name, board):
        self.references.append(("clock", name, board))

    def set_time_source(self, name, board):
        self.references.append(("time", name, board))

    def get_mboard_sensor_names(self, board):
        return self.sensors

    def get_mboard_sensor(self, name, board):
        return SimpleNamespace(to_bool=lambda: self.locked, to_int=lambda: 1_700_000_000)


def set_time(boards, sync=""):
    uhd_time.set_time(boards, sync, Time, now=lambda: 1_600_000_000 + boards.now, sleep=boards.sleep)


def test_one_board_has_the_pc_s_time_at_once():
    boards = Boards()
    set_time(boards)
    assert boards.set == [("now", pytest.approx(1_600_001_000.4))]


@pytest.mark.parametrize(("count", "sync"), [(2, ""), (2, "pc"), (1, "pps"), (3, "pps")])
def test_several_boards_have_one_whole_second_at_the_next_pps(count, sync):
    boards = Boards(count)
    set_time(boards, sync)
    assert boards.set == [("pps", 1_600_001_002.0)]
    assert boards.get_time_last_pps(count - 1) == 1_600_001_002.0


def test_gps_time():
    boards = Boards(2, sensors=("gps_time", "gps_locked"))
    set_time(boards, "gps")
    assert boards.set == [("pps", 1_700_000_001.0)]


def test_no_sync_leaves_the_time():
    boards = Boards(2)
    set_time(boards, "none")
    assert boards.set == []


@pytest.mark.parametrize(
    ("boards", "sync", "sentence"),
    [
        (Boards(2, pps=False), "", "no PPS edge.*time_source external"),
        (Boards(2, apart=0.004), "", "clocks differ.*board 1.*one PPS"),
        (Boards(1), "gps", "no GPS receiver"),
        (Boards(1, sensors=("gps_time", "gps_locked"), locked=False), "gps", "no fix yet"),
        (Boards(1), "ntp", "sync is 'ntp', expected one of pc, pps, gps, none"),
    ],
)
def test_boards_that_do_not_agree_are_one_sentence(boards, sync, sentence):
    with pytest.raises(WfmError, match=sentence) as error:
        set_time(boards, sync)
    assert "\n" not in str(error.value)


def test_references_are_set_on_every_board_and_must_lock():
    boards = Boards(2, sensors=("ref_locked",))
    uhd_time.set_references(boards, "external", "external", boards.sleep)
    assert boards.references == [(w, "external", b) for w in ("clock", "time") for b in (0, 1)]
    boards.locked = False
    with pytest.raises(WfmError, match="does not lock to the clock source 'external'.*10 MHz"):
        uhd_time.set_references(boards, "external", "", boards.sleep)
    with pytest.raises(WfmError, match="time_source 'gpsdo': board 0 of this USRP has internal, external"):
        uhd_time.set_references(boards, "", "gpsdo", boards.sleep)


def test_uhd_s_log_becomes_sentences():
    text = (
        "2026-Nov-28 09:26:29.123456,0x7f00,/build/uhd/rate.cpp:80,3,MULTI_USRP,The device does not support it:\n"
        "Target sample rate: 10 MSps\n"
        "Actual sample rate: 8 MSps\n"
        "2026-Nov-28 09:26:29.2,0x7f00,/build/uhd/agc.cpp:1,3,MULTI_USRP,AGC, or none\n"
    )
    assert sentences(text) == [
        "UHD (MULTI_USRP): The device does not support it: Target sample rate: 10 MSps Actual sample rate: 8 MSps",
        "UHD (MULTI_USRP): AGC, or none",
    ]


def request(**changes):
    values = {
        "argument": "", "channels": 2, "sample_rate": 10e6, "center_freqs": (1e9, 1e9), "gains": (40.0, 40.0),
        "antennas": ("RX2", "RX2"), "paced": True, "duration": 0.0, "radio": RadioOptions(bandwidth=5e6),
    }  # fmt: skip
    return Request(**{**values, **changes})


def radio(**changes):
    values = {"sample_rate": 10e6, "freqs": [1e9, 1e9], "gain": 40.0, "bandwidth": 5e6, "antenna": "RX2", **changes}
    return SimpleNamespace(
        sample_rate=values["sample_rate"],
        freqs=values["freqs"],
        read_gain=lambda channel: values["gain"],
        read_bandwidth=lambda channel: values["bandwidth"],
        read_antenna=lambda channel: values["antenna"],
    )


@pytest.mark.parametrize(
    ("got", "lines"),
    [
        ({}, []),
        ({"sample_rate": 10e6 + 1, "freqs": [1e9 + 100, 1e9], "gain": 40.25, "bandwidth": 5.01e6}, []),
        ({"sample_rate": 8e6}, ["sample rate: asked for 10000000 Hz, got 8000000 Hz: what the radio has counts"]),
        ({"freqs": [1e9, 70e6]}, ["frequency (channel 1): asked for 1000000000 Hz, got 70000000 Hz"]),
        ({"gain": 76.0}, [f"gain (channel {c}): asked for 40 dB, got 76 dB" for c in (0, 1)]),
        ({"bandwidth": 8e6}, [f"bandwidth (channel {c}): asked for 5000000 Hz, got 8000000 Hz" for c in (0, 1)]),
        ({"antenna": "TX/RX"}, [f"antenna (channel {c}): asked for RX2, got TX/RX" for c in (0, 1)]),
    ],
)
def test_each_difference_is_one_line(got, lines):
    assert list(radio_settings.differences(radio(**got), request())) == lines


def test_a_gain_that_the_radio_sets_itself_is_no_difference():
    options = RadioOptions(agc=True)
    assert list(radio_settings.differences(radio(gain=3.0), request(radio=options))) == []


def test_one_value_or_one_a_channel():
    assert radio_settings.each("gain", "dB", 40, 3) == (40.0,) * 3
    assert radio_settings.each("gain", "dB", (1, 2, 3), 3) == (1.0, 2.0, 3.0)
    with pytest.raises(WfmError, match="2 values of gain .dB. for 3 channels: expected one, or one a channel"):
        radio_settings.each("gain", "dB", (1, 2), 3)
    assert radio_settings.named_numbers("gains", "LNA=16, VGA=20") == {"LNA": 16.0, "VGA": 20.0}
    for text in ("LNA", "LNA=much", "=3"):
        with pytest.raises(WfmError, match="expected"):
            radio_settings.named_numbers("gains", text)
