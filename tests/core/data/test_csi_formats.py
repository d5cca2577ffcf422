# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI of every format: the numbers that were packed, those that csiread reads of real logs, and what is refused."""

import importlib
import math

import numpy as np
import pytest
from csi_packets import (
    MAC,
    NEEDS_CSIREAD,
    as_log,
    atheros,
    esp32,
    good_packet,
    intel,
    nexmon,
    numbers,
    pcap,
    picoscenes,
    real_csi,
    with_length,
)

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.csi.counting import Clock, LostPackets
from wfm_core.data.recordings.csi.esp32 import Esp32Lines
from wfm_core.data.recordings.csi.formats import FORMATS, format_of_log, makers
from wfm_core.data.recordings.csi.live import LiveCsi
from wfm_core.data.recordings.csi.log import CsiLog
from wfm_core.data.recordings.csi.packet import Malformed

PACKED = [name for name in FORMATS if name != "esp32"]


def decoder(format, chip="43455c0"):
    if format != "esp32":
        pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    return makers(chip)[format]()


def check(packet, csi, **known):
    assert packet.csi.dtype == np.complex64 and packet.csi.shape == csi.shape
    assert np.array_equal(packet.csi, csi)
    for name, value in known.items():
        assert getattr(packet, name) == pytest.approx(value), name


# -- each format -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout, frequency, number", [(25, 2.437e9, None), (24, 2.462e9, 3), (14, 2.462e9, 3)])
def test_lines_of_an_esp32(layout, frequency, number):
    csi = numbers(64, 1, 1, 128)
    packet = decoder("esp32").decode(esp32(csi, layout))
    check(packet, csi, rssi=(-61.0,), time=2.0, source=MAC, frequency=frequency)
    assert packet.number == number


def test_the_clock_of_an_esp32_goes_on_after_72_minutes():
    lines, csi = Esp32Lines(), numbers(4, 1, 1, 128)
    times = [lines.decode(esp32(csi, ticks=ticks)).time for ticks in (2**32 - 1_000_000, 1_000_000, 500_000, 2_000_000)]
    assert np.diff(times).tolist() == pytest.approx([2.0, -0.5, 1.5])


def test_other_lines_of_an_esp32_are_none_of_csi():
    header = b"type,seq,mac,rssi,rate,noise_floor,fft_gain,agc_gain,channel,local_timestamp,sig_len,rx_state,len,data\n"
    assert [decoder("esp32").decode(line) for line in (header, b"I (31) boot: ESP-IDF v5.1\r\n", b"")] == [None] * 3


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line[:200],
        lambda line: line.replace(b"[", b"[1,"),
        lambda line: line.replace(b"[", b"[1,x,"),
        lambda line: line.replace(b"[", b"[1--,"),
        lambda line: line.replace(MAC.encode(), b"somebody"),
        lambda line: line.replace(b",-61,", b",-61000,"),
        lambda line: line.replace(b",2000000,", b",99999999999,"),
        lambda line: line.replace(b",11,", b",11,11,", 1),
        lambda line: line.replace(b"CSI_DATA", b"CSI_DATA,\xff"),
        lambda line: line + b"," * 20000,
    ],
)
def test_lines_that_are_none_are_malformed(change):
    line = esp32(numbers(64, 1, 1, 100))
    assert decoder("esp32").decode(line) is not None
    with pytest.raises(Malformed):
        decoder("esp32").decode(change(line))


@pytest.mark.parametrize(
    "receive, streams, order", [(3, 2, (1, 2, 0)), (2, 1, (1, 0, 0)), (1, 3, (0, 0, 0)), (3, 3, (0, 1, 2))]
)
def test_records_of_an_intel_5300(receive, streams, order):
    csi = numbers(30, receive, streams, 128)
    packet = decoder("intel").decode(intel(csi, order=order))
    check(packet, csi, time=5.0, number=7, rssi=(-34.0, -33.0, -32.0)[:receive])


def test_an_order_of_antennas_that_is_none_leaves_the_csi_as_it_is():
    csi = numbers(30, 2, 1, 128)
    packet = decoder("intel").decode(intel(csi, order=(2, 0, 1)))
    check(packet, csi, rssi=(-32.0, -34.0))
    assert math.isnan(decoder("intel").decode(intel(csi, order=(3, 3, 3))).rssi[0])


@pytest.mark.parametrize("tones, receive, streams", [(56, 3, 2), (114, 1, 1), (114, 3, 3), (56, 1, 1)])
@pytest.mark.parametrize("order", ["little", "big"])
def test_records_of_an_atheros(tones, receive, streams, order):
    csi = numbers(tones, receive, streams, 512)
    one = decoder("atheros")
    for record in (atheros(csi, order=order), with_length(atheros(csi, order=order), order)):
        packet = one.decode(record)
        check(packet, csi, time=3.0, frequency=2.437e9)
        assert np.array_equal(packet.rssi, (51.0, 52.0, math.nan)[:receive], equal_nan=True)


@pytest.mark.parametrize("subcarriers", [64, 128, 256])
@pytest.mark.parametrize("rssi", [None, -57])
def test_packets_of_nexmon(subcarriers, rssi):
    csi = numbers(subcarriers, 1, 1, 1 << 15)
    packet = decoder("nexmon").decode(nexmon(csi, core=3, stream=1, rssi=rssi), 12.5)
    check(packet, csi, time=12.5, number=9, source=MAC, frequency=5.21e9, first=7)
    assert math.isnan(packet.rssi[0]) if rssi is None else packet.rssi == (-57.0,)


@pytest.mark.parametrize("mark", ["<", ">"])
def test_captures_of_nexmon(tmp_path, mark):
    one = decoder("nexmon")
    csi = numbers(64, 1, 1, 1000)
    (tmp_path / "x.pcap").write_bytes(pcap([b"something else", nexmon(csi)], [1.5, 2.25], mark))
    with open(tmp_path / "x.pcap", "rb") as file:
        records = list(one.records(file))
    assert [time for _, time in records] == [1.5, 2.25] and records[0][0] is None
    check(one.decode(*records[1]), csi, time=2.25)


@pytest.mark.parametrize(
    "device, tones, receive, streams, version",
    [(0x5300, 30, 3, 2, 2), (0x5300, 30, 1, 1, 1), (0x9300, 56, 3, 2, 3), (0x9300, 114, 2, 1, 2)],
)
def test_frames_of_picoscenes(device, tones, receive, streams, version):
    csi = numbers(tones, receive, streams, 128)
    packet = decoder("picoscenes").decode(picoscenes(csi, device, version=version))
    check(packet, csi, time=4.0, number=11, source=MAC, frequency=2.412e9, rssi=(-59.0, -58.0, -57.0)[:receive])


def test_antennas_are_numbered_stream_by_stream():
    csi = numbers(30, 3, 2, 128)
    packet = decoder("intel").decode(intel(csi))
    vectors = packet.vectors()
    assert vectors.shape == (6, 30)
    for stream in range(2):
        for antenna in range(3):
            assert np.array_equal(vectors[stream * 3 + antenna], csi[:, antenna, stream])
            assert packet.rssi_of(stream * 3 + antenna) == packet.rssi[antenna]


# -- real logs against the library -----------------------------------------------------------------------------------


def read_by_csiread(format, path):
    csiread = pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    made = {
        "intel": lambda: csiread.Intel(path, 3, 3, if_report=False),
        "atheros": lambda: csiread.Atheros(path, 3, 3, tones=56, if_report=False),
        "nexmon": lambda: csiread.Nexmon(path, "4358", 80, if_report=False),
        "esp32": lambda: csiread.ESP32(path, if_report=False),
        "picoscenes": lambda: csiread.Picoscenes(path, {"CSI": [30, 3, 3]}, if_report=False),
    }[format]()
    made.read()
    return made


@pytest.mark.parametrize(
    "format, name, packets",
    [
        ("intel", "intel5300_sample_0x1_ap.dat", 540),
        ("atheros", "atheros_ath_csi_1.dat", 401),
        ("nexmon", "nexmon_example.pcap", 4),
        ("esp32", "esp32_example_csi.csv", 13),
        ("picoscenes", "picoscenes_rx_by_iwl5300.csi", 383),
    ],
)
def test_real_logs_decode_to_what_csiread_reads(format, name, packets):
    path = real_csi("csi_formats") / name
    wanted = read_by_csiread(format, str(path))
    csi = wanted.raw["CSI"]["CSI"] if format == "picoscenes" else wanted.csi
    log = CsiLog(path, chip="4358")
    found = list(log.packets())
    assert (log.format, len(found), len(csi), log.malformed) == (format, packets, packets, 0)
    for packet, one in zip(found, csi, strict=True):
        one = one.reshape(*one.shape, *[1] * (3 - one.ndim))
        _, receive, streams = packet.csi.shape
        assert np.array_equal(packet.csi, one[:, :receive, :streams].astype(np.complex64))
        assert not one[:, receive:].any() and not one[:, :, streams:].any()
    ticks = {"intel": "timestamp_low", "atheros": "timestamp", "esp32": "local_timestamp"}.get(format)
    if ticks:
        assert [p.time for p in found] == pytest.approx(np.asarray(getattr(wanted, ticks)) / 1e6)
    if format == "intel":
        assert [p.number for p in found] == wanted.bfee_count.tolist()
        assert [p.rssi[0] for p in found] == (wanted.rssi_a - 44 - wanted.agc).tolist()
    if format == "picoscenes":
        assert [p.number for p in found] == wanted.raw["StandardHeader"]["Sequence"].tolist()
        assert [p.rssi[0] for p in found] == wanted.raw["RxSBasic"]["RSSI1"].tolist()


def test_real_arrays_of_an_esp32():
    path = sorted(real_csi("csi_esp32").glob("*.npz"))[0]
    stored = np.load(path)["csi_data"].astype(np.float32)
    found = [packet.csi[:, 0, 0] for packet in CsiLog(path, packet_rate=100).packets()]
    assert np.array_equal(np.stack(found), stored[:, 1::2] + 1j * stored[:, ::2])


# -- logs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_a_log_is_known_by_its_content(tmp_path, format):
    decoder(format)
    made = [good_packet(format, seed) for seed in range(3)]
    data = as_log(format, [packet for packet, _ in made])
    assert format_of_log(data) == format
    (tmp_path / "log").write_bytes(data)
    log = CsiLog(tmp_path / "log")
    for _ in range(2):
        for packet, (_, csi) in zip(log.packets(), made, strict=True):
            assert np.array_equal(packet.csi, csi)
    assert (log.format, log.malformed, log.others) == (format, 0, 0)


@pytest.mark.parametrize("format", FORMATS)
def test_a_log_that_was_cut_off_gives_what_is_whole(tmp_path, format):
    decoder(format)
    data = as_log(format, [good_packet(format, seed)[0] for seed in range(3)])
    (tmp_path / "log").write_bytes(data[:-20])
    log = CsiLog(tmp_path / "log", format)
    assert len(list(log.packets())) == 2 and log.malformed == 1


@pytest.mark.parametrize("format", FORMATS)
def test_a_bad_packet_in_a_log_is_counted_and_left_out(tmp_path, format):
    decoder(format)
    made = [good_packet(format, seed)[0] for seed in range(3)]
    made[1] = {
        "esp32": made[1].replace(b"[", b"("),
        "nexmon": made[1][:-4],
        "intel": made[1][:9] + b"\x04" + made[1][10:],
        "atheros": made[1][:17] + b"\x09" + made[1][18:],
        "picoscenes": made[1][:11] + b"\xff\xff" + made[1][13:],
    }[format]
    (tmp_path / "log").write_bytes(as_log(format, made))
    log = CsiLog(tmp_path / "log", format)
    assert len(list(log.packets())) == 2 and log.malformed == 1


@pytest.mark.parametrize("content", [b"", b"x", bytes(1000), b"PK\x03\x04", b"hello\n" * 100])
def test_a_file_without_a_packet_is_refused_in_one_sentence(tmp_path, content):
    (tmp_path / "log").write_bytes(content)
    for format in ("auto", "npz", "esp32"):
        with pytest.raises(WfmError, match="log"):
            CsiLog(tmp_path / "log", format)
    for format in PACKED:
        decoder(format)
        with pytest.raises(WfmError, match=f"no packet of CSI of the format {format}"):
            CsiLog(tmp_path / "log", format)


def test_what_cannot_be_a_log_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing", "/dev/zero"):
        with pytest.raises(WfmError):
            CsiLog(path)
    with pytest.raises(WfmError, match="CSI format 'x' is none"):
        CsiLog(tmp_path, "x")
    (tmp_path / "ng.pcap").write_bytes(b"\x0a\x0d\x0d\x0a" + bytes(60))
    decoder("nexmon")
    with pytest.raises(WfmError, match="pcapng"):
        CsiLog(tmp_path / "ng.pcap", "nexmon")
    (tmp_path / "other.pcap").write_bytes(pcap([nexmon(numbers(64, 1, 1, 9))], link=113))
    with pytest.raises(WfmError, match="link type 113"):
        CsiLog(tmp_path / "other.pcap")
    with pytest.raises(WfmError, match="chip '4355'"):
        CsiLog(tmp_path / "other.pcap", chip="4355")


@pytest.mark.parametrize(
    "values, shape",
    [
        (np.arange(24, dtype=np.int8).reshape(3, 8), (4, 1, 1)),
        (np.ones((3, 5), np.complex128), (5, 1, 1)),
        (np.ones((3, 5, 2), np.complex64), (5, 2, 1)),
        (np.ones((3, 5, 2, 3), np.complex64), (5, 2, 3)),
    ],
)
def test_arrays_of_packets(tmp_path, values, shape):
    np.savez(tmp_path / "x.npz", csi=values)
    found = list(CsiLog(tmp_path / "x.npz", array="csi", packet_rate=50).packets())
    assert [p.csi.shape for p in found] == [shape] * 3 and [p.time for p in found] == [0, 0.02, 0.04]
    if values.dtype == np.int8:
        assert found[1].csi[0, 0, 0] == 9 + 8j


@pytest.mark.parametrize(
    "values", [np.ones((3, 5)), np.ones((3, 5), np.int8), np.ones(3, np.complex64), np.array(["a"])]
)
def test_arrays_that_are_none_of_packets_are_refused(tmp_path, values):
    np.savez(tmp_path / "x.npz", csi_data=values)
    with pytest.raises(WfmError, match="csi_data is"):
        CsiLog(tmp_path / "x.npz")
    with pytest.raises(WfmError, match="no array 'csi'"):
        CsiLog(tmp_path / "x.npz", array="csi")


# -- live ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_the_first_whole_packet_tells_the_format(format):
    decoder(format)
    live = LiveCsi()
    packet, csi = good_packet(format)
    assert live.packets(b"\x00nothing", 1.0) == [] and live.format == "auto"
    assert np.array_equal(live.packets(packet, 2.0)[0].csi, csi)
    assert live.format == format
    other = good_packet("esp32" if format != "esp32" else "nexmon")[0]
    assert live.packets(other, 3.0) == []
    assert live.malformed + live.others == 2


def test_a_datagram_may_hold_several_lines():
    live = LiveCsi("esp32")
    found = live.packets(b"".join(esp32(numbers(64, 1, 1, 128, seed), number=seed) for seed in range(3)), 0.0)
    assert [packet.number for packet in found] == [0, 1, 2]


@pytest.fixture
def without_csiread(monkeypatch):
    found = importlib.import_module

    def refuse(name, *more):
        if name == "csiread":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found(name, *more)

    monkeypatch.setattr(importlib, "import_module", refuse)


def test_without_csiread_lines_and_arrays_are_read_still(without_csiread, tmp_path):
    live = LiveCsi()
    assert "csiread" in live.missing and live.format == "esp32"
    assert len(live.packets(esp32(numbers(64, 1, 1, 128)), 0.0)) == 1
    np.savez(tmp_path / "x.npz", csi_data=np.ones((3, 8), np.int8))
    assert len(list(CsiLog(tmp_path / "x.npz").packets())) == 3
    for format in PACKED:
        with pytest.raises(WfmError, match="takes the Python package csiread.*install it with pip"):
            LiveCsi(format)


# -- counting --------------------------------------------------------------------------------------------------------


def test_lost_packets_are_counted_for_each_sender():
    lost = LostPackets(4096)
    for sender, number in (("a", 4094), ("a", 4095), ("b", 7), ("a", 2), ("b", 8), ("b", 8), ("a", 1), ("a", 2000)):
        lost.add(sender, number)
    assert lost.lost == 2 + 1998, "0 and 1 before 2, and 2 to 1999; what is late or comes twice is none"
    lost.forget()
    lost.add("a", 5)
    assert lost.lost == 2000
    many = LostPackets(1 << 32)
    for number in range(0, 1 << 32, 1 << 20):
        many.add("", number)
    for sender in range(5000):
        many.add(str(sender), 0)
    assert many.lost == 0


def test_a_clock_that_begins_again():
    clock = Clock()
    assert [clock.seconds(t) for t in (5, 4)] == [5e-6, 4e-6]
    assert clock.seconds(2**32 - 1) < clock.seconds(0) < clock.seconds(2**31)
