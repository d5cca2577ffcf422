# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM CSI Source, live: datagrams and lines of a serial line, in time, late, missing, or none at all."""

import os
import random
import sys
import threading
import time

import pmt
import pytest
from csi_packets import NEEDS_CSIREAD, good_packet, nexmon, numbers
from csi_source_rig import Run, Sender, line
from gnuradio import wfm
from waiting import thread, wait_for

RATE, SECONDS, MALFORMED = 1000, 3, 10_000


# -- live ------------------------------------------------------------------------------------------------------------


def test_a_thousand_packets_a_second_are_kept_up_with_and_bad_ones_change_nothing_but_the_counter():
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    draw = random.Random(1)
    packets = [good_packet("intel", seed)[0] for seed in range(8)]
    numbered = [p[:5] + n.to_bytes(2, "little") + p[7:] for n in range(RATE * SECONDS) for p in [packets[n % 8]]]
    block = wfm.csi_source("udp://:0", format="intel", antennas=3)
    with Run(block) as run, Sender(block) as sender:
        began = time.monotonic()
        for index, packet in enumerate(numbered):
            time.sleep(max(began + index / RATE - time.monotonic(), 0))
            sender.send(packet)
            if index % 50 == 0:  # a computer that halts for a moment is not what is tried
                wait_for(lambda sent=index: run.counts()["packets"] >= sent - 100, otherwise=lambda: str(run.counts()))
        seconds = time.monotonic() - began
        wait_for(lambda: run.counts()["packets"] == len(numbered), otherwise=lambda: str(run.counts()))
        wait_for(lambda: len(run.csi.messages) == 3 * len(numbered))
        print(f"{len(numbered)} packets in {seconds:.2f} s: {run.counts()}")
        assert any(RATE / 10 < said["rate"] < 10 * RATE for said in run.status.dicts())
        before = run.counts()
        assert (before["vectors"], before["malformed"], before["lost"], before["dropped"]) == (
            3 * len(numbered),
            0,
            0,
            0,
        )
        for index in range(MALFORMED):
            sender.send(bad_record(packets[index % 8], draw))
            if index % 100 == 99:
                wait_for(lambda sent=index + 1: run.counts()["malformed"] == sent, otherwise=lambda: str(run.counts()))
        after = run.counts()
        assert after.pop("malformed") == MALFORMED and before.pop("malformed") == 0
        assert {**after, "rate": 0} == {**before, "rate": 0}, "nothing else has changed; the rate is none now"
        assert len(run.csi.messages) == 3 * len(numbered) and not run.events.messages
        sender.send(numbered[0])
        wait_for(lambda: run.counts()["packets"] == len(numbered) + 1)


def bad_record(record: bytes, draw: random.Random) -> bytes:
    """None of a packet, in each of some ways."""
    return draw.choice([
        record[: draw.randrange(1, len(record))],
        b"\xbb" + draw.randbytes(draw.randrange(300)),
        draw.randbytes(60).replace(b"\xbb", b"").replace(b"\xc1", b""),
        record[:9] + bytes([draw.choice([0, 1, 2, 4, 255])]) + record[10:],
        record + draw.randbytes(4),
        b"",
    ])  # fmt: skip


def test_numbers_that_are_missing_are_lost_and_times_are_those_of_the_packets():
    block = wfm.csi_source("udp://127.0.0.1:0")
    with Run(block) as run, Sender(block) as sender:
        for number in (5, 6, 10):
            sender.send(line(number))
        wait_for(lambda: len(run.csi.messages) == 3)
    assert run.counts()["lost"] == 3 and run.counts()["format"] == "esp32"
    assert run.vectors()[2].rx_time == (0, pytest.approx(0.01))


def test_packets_without_a_time_have_that_of_their_arrival():
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    block = wfm.csi_source("udp://127.0.0.1:0", format="nexmon")
    began = time.time()
    with Run(block) as run, Sender(block) as sender:
        sender.send(nexmon(numbers(64, 1, 1, 99), rssi=-40))
        wait_for(lambda: run.csi.messages)
    (vector,) = run.vectors()
    assert began - 1 < vector.rx_time[0] + vector.rx_time[1] < time.time() + 1
    assert pmt.to_python(pmt.car(run.csi.messages[0]))["rssi"] == -40


def test_what_waits_too_long_is_dropped_and_counted(monkeypatch):
    block = wfm.csi_source("udp://127.0.0.1:0", format="esp32", high_water_mark=4)
    going, entered = threading.Event(), threading.Event()
    decoded = block._pass_on_all

    def slow(datagram, arrived):
        entered.set()
        going.wait(20)
        decoded(datagram, arrived)

    monkeypatch.setattr(block, "_pass_on_all", slow)
    with Run(block) as run, Sender(block) as sender:
        sender.send(line(0))
        wait_for(entered.is_set)
        for number in range(1, 11):
            sender.send(line(number))
        wait_for(lambda: run.counts()["dropped"] == 6, otherwise=lambda: str(run.counts()))
        going.set()
        wait_for(lambda: len(run.csi.messages) == 5)
    assert [v.number for v in run.vectors()] == [0, 7, 8, 9, 10]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what its kernel drops")
def test_what_the_kernel_drops_is_counted():
    block = wfm.csi_source("udp://127.0.0.1:0", format="esp32", high_water_mark=20_000)
    sent = 20_001
    with Sender(block) as sender:
        for number in range(sent - 1):
            sender.send(line(number % 8))
        with Run(block) as run:
            wait_for(lambda: run.counts()["packets"] > 0)
            wait_for(lambda: settled(run))
            sender.send(line(0))
            wait_for(lambda: run.counts()["packets"] + run.counts()["dropped"] == sent)
    assert run.counts()["dropped"] > 1000


def settled(run) -> bool:
    before = run.counts()["packets"]
    time.sleep(0.2)
    return run.counts()["packets"] == before


def test_silence_is_warned_of_once(monkeypatch):
    block = wfm.csi_source("udp://127.0.0.1:0", silence=0.3)
    with Sender(block) as sender:
        sender.send(b"\x00 nothing that is known")  # is there when the source begins
        with Run(block) as run:
            wait_for(lambda: silences(run))
            time.sleep(0.6)
            (event,) = silences(run)
            assert event["event"] == "warning" and "from udp://127.0.0.1:" in event["text"]
            assert "the first of 1 malformed: nothing of a format that is known" in event["text"]
            before = len(run.events.messages)
            sender.send(line(1))
            wait_for(lambda: run.csi.messages)
            wait_for(lambda: len(run.events.messages) == before + 1)


def silences(run) -> list[dict]:
    """Not what is said of csiread where that is not installed."""
    return [event for event in run.events.dicts() if "no packet of CSI" in event["text"]]


def test_a_source_listens_again_after_a_stop():
    block = wfm.csi_source("udp://127.0.0.1:0")
    address = block.address()
    for _ in range(2):
        with Run(block) as run, Sender(block) as sender:
            wait_for(lambda run=run: run.counts()["packets"] == 0)
            sender.send(line(1))
            wait_for(lambda run=run: run.counts()["packets"] == 1)
        assert block.address() == address
        assert thread("wfm_csi_source_receive") is None and thread("wfm_csi_source_decode") is None


def test_only_this_computer_is_heard_unless_another_is_named():
    assert wfm.csi_source("udp://:0").address().startswith("udp://127.0.0.1:")
    assert wfm.csi_source("udp://0.0.0.0:0").address().startswith("udp://0.0.0.0:")


# -- a serial line ---------------------------------------------------------------------------------------------------


@pytest.fixture
def serial_line():
    """The file to write to, and the name of the line that reads it."""
    master, slave = os.openpty()
    yield master, os.ttyname(slave)
    os.close(slave)
    os.close(master)


def test_lines_of_a_serial_line(serial_line):
    master, name = serial_line
    block = wfm.csi_source(f"serial:{name}?baud=921600")
    with Run(block) as run:
        whole = b"ets Jul 29 2019\r\n" + b"".join(line(n) for n in range(20)) + b"\xff\xfe\n" + line(20)
        for begin in range(0, len(whole), 100):  # in pieces that are no lines
            os.write(master, whole[begin : begin + 100])
            time.sleep(0.001)
        wait_for(lambda: len(run.csi.messages) == 21, otherwise=lambda: str(run.counts()))
    counts = run.counts()
    assert (counts["malformed"], counts["others"], counts["lost"]) == (1, 1, 0)


def test_a_serial_line_that_is_unplugged_is_said_and_tried_again(tmp_path):
    name = tmp_path / "tty"
    master, slave = os.openpty()
    name.symlink_to(os.ttyname(slave))
    block = wfm.csi_source(f"serial:{name}")
    said = []
    block.complain = said.append
    block._guard._say = said.append
    with Run(block) as run:
        os.write(master, line(0))
        wait_for(lambda: len(run.csi.messages) == 1)
        os.close(slave)
        os.close(master)
        wait_for(lambda: said)
        assert "is gone; it is tried again" in said[0]
        name.unlink()
        master, slave = os.openpty()
        name.symlink_to(os.ttyname(slave))

        def heard() -> bool:
            os.write(master, line(1))
            time.sleep(0.05)
            return len(run.csi.messages) > 1

        wait_for(heard)
    os.close(slave)
    os.close(master)
