# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM CSI Source: logs become the PDUs that WFM CSI Image takes; what is none is counted, what cannot be is refused."""

import time

import numpy as np
import pmt
import pytest
from csi_packets import MAC, NEEDS_CSIREAD, as_log, good_packet, intel, nexmon, numbers, pcap
from csi_source_rig import Run, line, played
from flowgraph_helpers import Collector
from gnuradio import wfm
from gnuradio.wfm.images import image_messages
from waiting import thread, wait_for

from wfm_core.base.errors import WfmError

# -- logs ------------------------------------------------------------------------------------------------------------


def test_a_log_becomes_pdus_and_the_block_ends_with_it(tmp_path):
    run = played(tmp_path, "esp32", [line(n) for n in (3, 4, 7)])
    vectors = run.vectors()
    assert [v.number for v in vectors] == [3, 4, 7] and [v.antenna for v in vectors] == [0] * 3
    assert [v.rx_freq for v in vectors] == [2.462e9] * 3
    assert [v.rx_time[0] + v.rx_time[1] for v in vectors] == pytest.approx([0.003, 0.004, 0.007])
    for v in vectors:
        assert np.array_equal(v.values, numbers(64, 1, 1, 128, v.number)[:, 0, 0])
    fields = pmt.to_python(pmt.car(run.csi.messages[0]))
    assert (fields["rssi"], fields["source"]) == (-61.0, MAC)
    last = run.status.dicts()[-1]
    assert (last["packets"], last["vectors"], last["lost"], last["malformed"], last["ended"]) == (3, 3, 2, 0, True)
    assert last["format"] == "esp32"
    assert thread("wfm_csi_source_play_") is None


def test_antennas_and_streams_are_numbered_and_the_first_are_kept(tmp_path):
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    csi = numbers(30, 3, 2, 128)
    found = played(tmp_path, "intel", [intel(csi, agc=30)]).vectors()
    assert [v.antenna for v in found] == list(range(6))
    assert all(np.array_equal(v.values, csi[:, v.antenna % 3, v.antenna // 3]) for v in found)
    run = played(tmp_path, "intel", [intel(csi)], antennas=3)
    assert [v.antenna for v in run.vectors()] == [0, 1, 2]
    assert [pmt.to_python(pmt.car(m))["rssi"] for m in run.csi.messages] == [-34.0, -33.0, -32.0]
    found = played(tmp_path, "nexmon", [nexmon(numbers(64, 1, 1, 99), core=2, stream=1)]).vectors()
    assert [v.antenna for v in found] == [6]


@pytest.mark.parametrize("format", ["esp32", "nexmon", "intel", "atheros", "picoscenes"])
def test_logs_of_each_format_become_images(tmp_path, format):
    if format != "esp32":
        pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    made = [good_packet(format, seed) for seed in range(8)]
    (tmp_path / "log").write_bytes(as_log(format, [packet for packet, _ in made]))
    subcarriers, receive, streams = made[0][1].shape
    source = wfm.csi_source(str(tmp_path / "log"), pace="fast")
    images = wfm.csi_image("pdus", receive * streams, subcarriers, packets=8, sequence="none")
    pictures = Collector()
    run = Run(source, (source, "csi", images, "csi"), (images, "images", pictures, "in"))
    run.top.run()
    (image,) = (image_messages.read_image(message) for message in pictures.messages)
    wanted = np.stack([np.abs(csi.transpose(2, 1, 0).reshape(-1, subcarriers)) for _, csi in made], -1)
    assert np.allclose(image.pixels, wanted, atol=1e-3 * wanted.max())
    assert images.status()["refused"] == 0


def test_arrays_are_numbered_and_have_times_by_the_packet_rate(tmp_path):
    np.savez(tmp_path / "x.npz", h=np.ones((5, 16, 2), np.complex64))
    run = Run(wfm.csi_source(str(tmp_path / "x.npz"), pace="fast", packet_rate=20, array="h"))
    run.top.run()
    vectors = run.vectors()
    assert [(v.number, v.antenna) for v in vectors] == [(n, a) for n in range(5) for a in range(2)]
    assert vectors[-1].rx_time == (0, pytest.approx(0.2)) and vectors[-1].rx_freq is None


def test_the_recorded_pace_is_kept(tmp_path):
    began = time.monotonic()
    run = played(tmp_path, "esp32", [line(n) for n in (0, 200, 400, 600, 100, 60_000)], pace="recorded")
    assert time.monotonic() - began >= 0.6, "a step back and a pause of a minute are not waited for"
    assert run.counts()["packets"] == 6


def test_a_log_is_repeated_until_it_is_stopped(tmp_path):
    (tmp_path / "log").write_bytes(as_log("esp32", [line(n) for n in range(5)]))
    with Run(wfm.csi_source(str(tmp_path / "log"), repeat=True)) as run:
        wait_for(lambda: len(run.csi.messages) > 20)
    assert run.counts()["lost"] == 0


def test_a_source_that_waits_for_its_log_stops_at_once(tmp_path):
    (tmp_path / "log").write_bytes(as_log("esp32", [line(0), line(9_000)]))
    began = time.monotonic()
    with Run(wfm.csi_source(f"file:{tmp_path / 'log'}")) as run:
        wait_for(lambda: run.csi.messages)
    assert time.monotonic() - began < 5 and len(run.csi.messages) == 1


def test_bad_packets_in_a_log_are_counted(tmp_path):
    run = played(tmp_path, "esp32", [line(0), line(1)[:100] + b"\n", b"a line of the firmware\n", line(2)])
    counts = run.counts()
    assert (counts["packets"], counts["malformed"], counts["others"], counts["lost"]) == (2, 1, 1, 1)


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, reason",
    [
        ({"source": "missing.csv"}, "missing.csv cannot be read"),
        ({"source": "udp://127.0.0.1"}, "give udp://HOST:PORT"),
        ({"source": "udp://127.0.0.1:99999"}, "give udp://HOST:PORT"),
        ({"source": "udp://192.0.2.1:5500"}, "an address of this computer"),
        ({"source": "udp://no.such.host.invalid:5500"}, "an address of this computer"),
        ({"source": "serial:"}, "give serial:"),
        ({"source": "serial:/dev/ttyUSB0?speed=1"}, "give serial:"),
        ({"source": "serial:/dev/tty-none"}, "a serial line that is there"),
        ({"source": "serial:/dev/null"}, "a serial line that is there"),
        ({"source": "serial:/dev/ttyUSB0?baud=7"}, "7 baud is no rate"),
        ({"source": "serial:/dev/ttyUSB0", "format": "intel"}, "format 'intel' of a serial line"),
        ({"format": "npz"}, "does not come live"),
        ({"format": "x"}, "CSI format 'x'"),
        ({"pace": "slow"}, "pace 'slow'"),
        ({"repeat": True, "pace": "fast"}, "would fill the memory"),
        ({"antennas": -1}, "0 or more antennas"),
        ({"packet_rate": 0}, "above 0"),
        ({"silence": float("nan")}, "above 0"),
        ({"high_water_mark": 0}, "above 0"),
        ({"chip": "x"}, "chip 'x'"),
    ],
)
def test_what_cannot_be_is_one_sentence(options, reason):
    with pytest.raises(WfmError, match=reason) as caught:
        wfm.csi_source(**{"source": "udp://127.0.0.1:0", **options})
    assert "\n" not in str(caught.value)


def test_a_port_that_is_taken_and_a_log_without_packets_are_refused(tmp_path):
    taken = wfm.csi_source("udp://127.0.0.1:0")
    with pytest.raises(WfmError, match="a port that is free"):
        wfm.csi_source(taken.address())
    (tmp_path / "x.pcap").write_bytes(pcap([b"nothing"]))
    pytest.importorskip("csiread", reason=NEEDS_CSIREAD)
    with pytest.raises(WfmError, match="holds no packet of CSI of the format nexmon"):
        wfm.csi_source(str(tmp_path / "x.pcap"))
