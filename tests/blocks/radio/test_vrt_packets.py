# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets of WFM Sample Publisher, byte by byte, and by Wireshark's dissector; and packets of other senders."""

import shutil
import socket
import struct
import subprocess
import time
from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import pmt
import pytest
import zmq
from flowgraph_helpers import noise
from gnuradio import wfm
from vrt_helpers import (
    DIFI,
    DIFI_CONTEXT,
    Receiver,
    Talk,
    context,
    data,
    free_udp_port,
    hertz,
    marked,
    message,
    packet,
    publish,
    radio_time,
    tag,
)  # fmt: skip
from waiting import wait_for


def sent_over_udp(rows: np.ndarray, tags=(), rate: float = 1e6, interval: int = 64, **parameters) -> list[bytes]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        address = f"udp://127.0.0.1:{listener.getsockname()[1]}"
        publish(wfm.sample_publisher(address, len(rows), rate, interval, **parameters), rows, tags)
        found = []
        while True:
            listener.settimeout(5 if not found else 0.1)
            try:
                found.append(listener.recv(65536))
            except TimeoutError:
                return found


def test_the_bytes_of_a_difi_stream():
    samples = np.array([[0.5 + 0.25j, -1.0 + 1.0j]], np.complex64)
    tags = [tag(0, "rx_time", radio_time(0x01020304, 0.25)), tag(0, "rx_freq", pmt.from_double(2.4e9))]
    found = sent_over_udp(samples, tags, rate=2e6, interval=2, sample_format="ci16", stream_id=7)
    # IEEE-ISTO 4900, standard flow signal context packet: 27 words
    assert found[0].hex(" ", 4) == " ".join((
        "4960001b",  # context, class id, coarse stamps, UTC, picoseconds, packet count 0, 27 words
        "00000007", "006a621e 00000001",  # stream; no pad bits, DIFI; class 1
        "01020304", "0000003a 35294400",  # seconds; 250,000,000,000 ps
        "fbb98000", "0000004b",  # all of DIFI's fields, something changed; reference point 75
        "000001e8 48000000", "00000000 00000000",  # bandwidth 2e6 Hz; IF reference frequency
        "0008f0d1 80000000", "00000000 00000000",  # RF reference frequency 2.4e9 Hz; IF band offset
        "00000000", "00000000",  # reference level, gain
        "000001e8 48000000",  # sample rate
        "00000000 00000000", "00000000", "01000000",  # time stamp adjustment, calibration; sample loss is told
        "a00003cf 00000000",  # link-efficient, complex, signed 16 bits
    ))  # fmt: skip
    # standard flow signal data packet
    assert found[1].hex(" ", 4) == " ".join((
        "18600009", "00000007", "006a621e 00000000", "01020304", "0000003a 35294400",
        "40002000", "80007fff",  # full scale is 32768, and clipped there
    ))  # fmt: skip
    assert len(found) == 2


def test_the_bytes_of_floats_whose_time_and_frequency_are_unknown():
    found = sent_over_udp(np.array([[0.5 - 2j] * 4], np.complex64), interval=2)
    # no class, no whole seconds, a free running count; no RF reference frequency: 22 words
    assert found[0].hex(" ", 4).split()[:6] == [
        "41300016", "00000000", "00000000", "00000000", "f3b98000", "0000004b",
    ]  # fmt: skip
    assert found[0].endswith(bytes.fromhex("ae0007df 00000000")), "IEEE 754 single precision"
    sample = "3f000000 c0000000"
    assert found[1].hex(" ", 4) == f"10300008 00000000 00000000 00000000 {sample} {sample}"
    assert found[3].hex(" ", 4) == f"10310008 00000000 00000000 00000002 {sample} {sample}", "a count of samples"
    assert found[2][16:20].hex() == "73b98000", "nothing has changed in the second context"


def test_a_packet_fits_its_datagram():
    found = sent_over_udp(noise(2, 4096), interval=4096)
    assert max(map(len, found)) <= 1472 and len(found) == 2 * (1 + -(-4096 // 180))
    counts = [p[1] & 15 for p in found if p[0] >> 4 == 1 and p[7] == 1]
    assert counts == [n % 16 for n in range(23)], "the packet count of each stream goes on by one"
    assert max(map(len, sent_over_udp(noise(1, 4096), interval=4096, datagram_bytes=8972))) > 1472


@contextmanager
def sub_socket(address: str):
    """A ZeroMQ SUB socket that the publisher knows of."""
    with zmq.Context() as own, own.socket(zmq.SUB) as listener:
        listener.setsockopt(zmq.SUBSCRIBE, b"")
        listener.setsockopt(zmq.RCVTIMEO, 5000)
        listener.connect(address)
        listener.poll(300)
        yield listener


def packets_of(received: bytes) -> list[bytes]:
    found = []
    while received:
        size = 4 * struct.unpack(">H", received[2:4])[0]
        found.append(received[:size])
        received = received[size:]
    return found


def test_times_are_exact_however_many_samples_there_are(tmp_path):
    rate = 1e7 / 3  # no whole number of picoseconds, and no whole number of hertz
    address, count, first = f"ipc://{tmp_path}/link", 6_000_000, 0
    link = wfm.sample_publisher(address, 1, rate, 60_000, sample_format="ci16")
    with sub_socket(address) as listener, Receiver(address) as receiver:
        time.sleep(0.3)  # until the subscriber is known to the publisher
        publish(link, np.zeros((1, count), np.complex64), [tag(0, "rx_time", radio_time(5, 0.5))])
        while first < count:
            for one in packets_of(listener.recv()):
                if one[0] >> 4 == 1:
                    secs, picoseconds = struct.unpack(">IQ", one[8:20])
                    exact = Fraction(5_500_000_000_000) + first * 10**12 / Fraction(rate)
                    assert abs(secs * 10**12 + picoseconds - exact) <= Fraction(1, 2)
                    first += (len(one) - 20) // 4
        assert receiver.heard(count)
    assert receiver.samples_lost == 0 and "wfm_lost" not in receiver.tags()


def pcap(packets: list[bytes], port: int) -> bytes:
    """A capture file of UDP datagrams over IPv4, without a link layer."""
    found = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101)
    for number, payload in enumerate(packets):
        udp = struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload
        loopback = socket.inet_aton("127.0.0.1")
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0) + 2 * loopback + udp
        found += struct.pack("<IIII", number, 0, len(ip), len(ip)) + ip
    return found


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark, which has a dissector for VITA 49, is not installed")
def test_wireshark_reads_the_packets(tmp_path):
    tags = [tag(0, "rx_time", radio_time(1_700_000_000, 0.5)), tag(0, "rx_freq", pmt.from_double(915e6))]
    found = sent_over_udp(noise(2, 64), tags, rate=2e6, interval=64, sample_format="ci16", stream_id=3)
    (tmp_path / "sent.pcap").write_bytes(pcap(found, 4991))
    fields = (
        "type", "seq", "len", "sid", "oui", "icc", "pcc", "ts_int", "ts_frac_picosecond", "context.bw",
        "context.rf.freq", "context.samplerate",
    )  # fmt: skip
    names = subprocess.run(["tshark", "-G", "fields"], capture_output=True, text=True, check=True).stdout
    known = [f"vrt.{name}" for name in fields if f"\tvrt.{name}\t" in names]
    wanted = [part for name in known for part in ("-e", name)]
    command = ["tshark", "-r", str(tmp_path / "sent.pcap"), "-d", "udp.port==4991,vrt", "-T", "fields", *wanted]
    read = subprocess.run([*command, "-e", "_ws.malformed"], capture_output=True, text=True, check=True, timeout=60)
    rows = [dict(zip([*known, "malformed"], line.split("\t"), strict=True)) for line in read.stdout.splitlines()]
    assert [(int(row["vrt.type"], 0), int(row["vrt.sid"], 0)) for row in rows] == [(4, 3), (4, 4), (1, 3), (1, 4)]
    for row in rows:
        assert not row["malformed"]
        assert int(row["vrt.oui"], 0) == 0x6A621E and int(row["vrt.icc"]) == 0
        assert int(row["vrt.pcc"]) == (int(row["vrt.type"], 0) == 4)
        assert int(row["vrt.ts_frac_picosecond"]) == 500_000_000_000
    assert [int(row["vrt.len"]) for row in rows] == [27, 27, 71, 71]
    for row in rows[:2]:
        # Wireshark before 4.2 shows the fields of a context packet as bytes
        assert float(row.get("vrt.context.rf.freq", 915e6)) == 915e6
        assert float(row.get("vrt.context.samplerate", 2e6)) == 2e6


def test_a_difi_sender_is_heard():
    port = free_udp_port()
    whole = np.array([[16384, -32768], [1, 0]], np.int16)
    with Receiver(f"udp://127.0.0.1:{port}", stream_id=9) as receiver:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", port))
            sender.send(data(whole, 9, 0, (17, 0), DIFI))  # its context comes later
            version = packet(5, 9, 0, (17, 0), bytes(16), DIFI)
            pairs = 0xA00007CF  # as some write 16 bits
            rest = (version, context(9, 0, (17, 0), form=pairs, own_class=DIFI_CONTEXT), data(whole, 9, 1, (17, 10**6)))
            for one in rest:
                sender.send(one)
        assert receiver.heard(2)
    assert np.array_equal(receiver.samples(), [[0.5 - 1j, 2**-15]])
    assert receiver.tags() == {
        "rx_rate": [(0, 1e6)], "rx_time": [(0, (17, 1e-6))], "rx_freq": [(0, 2.4e9)],
    }  # fmt: skip
    assert (receiver.without_context, receiver.refused, receiver.packets_in) == (1, 0, 4)


def test_a_context_may_name_only_what_has_changed(tmp_path):
    address = f"ipc://{tmp_path}/link"
    with Talk(address) as talk, Receiver(address) as receiver:
        talk.wait_for_subscriber()
        talk.socket.send(message(marked(1)))
        later = (17, 64 * 10**6)
        only_freq = packet(4, 0, 1, later, struct.pack(">I", 1 << 27 | 1 << 26) + hertz(1e9) + hertz(-5e6), flags=1)
        talk.socket.send(only_freq + data(marked(2)[0], 0, 1, later))
        assert receiver.heard(128)
    assert receiver.tags()["rx_freq"] == [(0, 2.4e9), (64, 995e6)]
    assert receiver.samples_lost == 0 and receiver.refused == 0


def test_without_any_stamp_the_packet_count_tells_about_what_is_lost(tmp_path):
    address = f"ipc://{tmp_path}/link"
    with Talk(address) as talk, Receiver(address, channels=2) as receiver:
        talk.wait_for_subscriber()
        for count in (14, 15, 18, 19):
            talk.socket.send(message(marked(count, 2), count, None, freq=None))
        assert receiver.heard(256)
    assert receiver.tags() == {
        "rx_rate": [(0, 1e6), (128, 1e6)], "rx_time": [(0, None), (128, None)], "wfm_gap": [(128, 128)],
    }  # fmt: skip
    assert (receiver.samples_lost, receiver.samples_lost_estimated) == (0, 128)


def test_channels_over_udp_are_aligned_by_time():
    port = free_udp_port()
    with Receiver(f"udp://127.0.0.1:{port}", channels=2) as receiver:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", port))
            for stream in (0, 1):
                sender.send(context(stream))
            for number in range(6):
                for stream in (1, 0):
                    if (number, stream) != (2, 0):  # lost on the way
                        sender.send(data(marked(number)[0], stream, number, (17, number * 64 * 10**6)))
        assert receiver.heard(5 * 64)
    assert receiver.samples()[:, ::64].real.tolist() == [[0, 1, 3, 4, 5]] * 2
    assert (receiver.samples_lost, receiver.incomplete) == (64, 1)
    assert receiver.tags(1)["rx_time"] == [(0, (17, 0.0)), (128, (17, 192e-6))]


def test_a_subscriber_in_the_middle_of_a_session_hears_a_sub_socket(tmp_path):
    """The bytes of a ZeroMQ message are those of the datagrams, one behind the other."""
    address = f"ipc://{tmp_path}/link"
    link = wfm.sample_publisher(address, 2, 1e6, 64)
    with sub_socket(address) as listener:
        rows = marked(3, 2)
        publish(link, rows, [tag(0, "rx_time", radio_time(17, 0.0)), tag(0, "rx_freq", pmt.from_double(2.4e9))])
        assert listener.recv() == message(rows)
    assert wait_for(link.ended)
