# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM CSI Source: the CSI of WiFi receivers, out of logs or live, for WFM CSI Image."""

import threading
import time
from collections import deque

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.csi.arrays import ARRAY
from wfm_core.data.recordings.csi.counting import LostPackets
from wfm_core.data.recordings.csi.formats import ARRAYS, AUTO
from wfm_core.data.recordings.csi.live import LiveCsi
from wfm_core.data.recordings.csi.log import CsiLog
from wfm_core.data.recordings.csi.packet import CsiPacket

from ..ports import keys
from ..ports.block import message_block
from ..ports.endings import say_done
from ..ports.guard import guarded
from .csi_feeds import SERIAL, UDP, SerialFeed, UdpFeed
from .csi_messages import csi_pdus
from .csi_playing import Pacer

PACES = ("recorded", "fast")
_POLL_SECONDS = 0.1
_RATE_SECONDS = 1.0
_JOIN_SECONDS = 5.0
_LAST_MESSAGES_SECONDS = 0.05
"""As of the engine of WFM Inference: before the block says that it ends."""
_ESP32 = "esp32"


class csi_source(message_block):
    """CSI of ESP32, Nexmon, Intel 5300, Atheros and PicoScenes receivers as PDUs for WFM CSI Image.

    Ports out: `csi`, cons(dict, c32vector), a PDU a packet and antenna, with `antenna` (stream * receive antennas +
    receive antenna; Nexmon: stream * 4 + core), and where they are known `packet_num`, `rx_time`, `rx_freq`, `rssi`
    (dBm of that antenna; Atheros: dB) and `source` (MAC address); `status`, a dict once a second; `events`, warnings.

    Live packets are received by one thread and decoded by another; when decoding is slower the oldest waiting ones
    are dropped and counted. A log is played once by the times in it, and the block ends with it.

    Args:
        source: path of a log; `udp://HOST:PORT` to listen at (`udp://:PORT`: loopback alone); or
            `serial:/dev/ttyUSB0?baud=921600`, lines of an ESP32.
        format: esp32, nexmon, intel, atheros, picoscenes, npz (a file alone), or auto: told by what comes.
        pace: of a log: "recorded", by its times; "fast", without waiting.
        repeat: play the log again and again, at the recorded pace.
        antennas: vectors of a packet that are sent, the first ones; 0 for all.
        packet_rate: packets a second of arrays (npz), which have no times.
        chip: that received, of Nexmon: 4339, 43455c0 (Raspberry Pi), 4358 or 4366c0.
        array: the array of an .npz file: complex [packets, subcarriers, receive antennas, streams], the last two where
            there are several; or whole numbers, imaginary and real parts in turn.
        silence: seconds without a live packet after which it is warned of.
        high_water_mark: live packets that wait to be decoded.

    Raises:
        WfmError: a parameter out of its range; no file, or no packet in it; an address that cannot be had; csiread is
            not installed, which all formats but esp32 and npz take.
    """

    def __init__(
        self,
        source: str = f"{UDP}127.0.0.1:5500",
        format: str = AUTO,
        pace: str = "recorded",
        repeat: bool = False,
        antennas: int = 0,
        packet_rate: float = 100.0,
        chip: str = "43455c0",
        array: str = ARRAY,
        silence: float = 10.0,
        high_water_mark: int = 4096,
    ):
        _check(pace, repeat, antennas, packet_rate, silence, high_water_mark)
        super().__init__("wfm_csi_source", takes={}, gives=(keys.CSI, keys.STATUS, keys.EVENTS), log="wfm.csi_source")
        self._source, self._antennas = source, antennas
        self._pace, self._repeat, self._silence = pace, repeat, silence
        self._feed: UdpFeed | SerialFeed | None = None
        self._log: CsiLog | None = None
        if source.startswith((UDP, SERIAL)):
            if source.startswith(SERIAL) and format not in (AUTO, _ESP32):
                raise WfmError(f"format {format!r} of a serial line: {_ESP32} is expected, name udp://HOST:PORT else")
            if format == ARRAYS:
                raise WfmError(f"format {ARRAYS!r} does not come live: name a file, or another format")
            self._live_format = _ESP32 if source.startswith(SERIAL) else format
            self._live = LiveCsi(self._live_format, chip)
            self._feed = self._opened()
        else:
            self._log = CsiLog(source.removeprefix("file:"), format, chip, array, packet_rate)
        self._chip = chip
        self._waiting: deque[tuple[float, list[bytes]]] = deque(maxlen=high_water_mark)
        self._came = threading.Condition()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._reset()

    def _reset(self) -> None:
        self._packets = self._vectors = self._dropped = 0
        self._ended = False
        self._lost: LostPackets | None = None
        self._rate, self._rate_began, self._rate_packets = 0.0, time.monotonic(), 0
        self._heard = time.monotonic()
        self._silent = False

    def address(self) -> str:
        """Where live packets are awaited, with the port that was chosen for 0; of a log its path."""
        return self._source if self._feed is None else self._feed.address

    def status(self) -> dict:
        """Packets and vectors sent; what was malformed, had no CSI (others), was lost by its number, or dropped, here
        or by the kernel before; packets a second in the last second or so."""
        self._measure_rate()
        counted = self._live if self._log is None else self._log
        return {
            "source": self._source,
            "format": counted.format,
            "packets": self._packets,
            "vectors": self._vectors,
            "malformed": counted.malformed,
            "others": counted.others,
            "lost": self._lost.lost if self._lost else 0,
            "dropped": self._dropped + (self._feed.overflowed if self._feed is not None else 0),
            "rate": self._rate,
            "ended": self._ended,
        }

    def _measure_rate(self) -> None:
        seconds = time.monotonic() - self._rate_began
        if seconds >= _RATE_SECONDS:
            self._rate = (self._packets - self._rate_packets) / seconds
            self._rate_began, self._rate_packets = time.monotonic(), self._packets

    # -- life of the block ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listens or plays; after a stop again, with counts from zero."""
        self.forget_last_run()
        self._stopping = threading.Event()
        if self._threads:
            self._waiting.clear()
            if self._log is None:
                self._feed, self._live = self._opened(), LiveCsi(self._live_format, self._chip)
            else:
                self._log.malformed = self._log.others = 0
        self._reset()
        work = (self._play,) if self._log is not None else (self._receive, self._decode)
        self._threads = [
            threading.Thread(target=run, args=(self._stopping,), name=f"wfm_csi_source{run.__name__}", daemon=True)
            for run in work
        ]
        for thread in self._threads:
            thread.start()
        if self._log is None and self._live.missing:
            self.warn(f"of CSI only lines of an ESP32 are decoded: {self._live.missing}")

    def stop(self) -> None:
        self._stopping.set()
        with self._came:
            self._came.notify_all()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)
            if thread.is_alive():
                self.complain(f"the thread {thread.name} did not end within {_JOIN_SECONDS:g} s: left behind")
        if self._feed is not None and not any(thread.is_alive() for thread in self._threads):
            self._feed.close()
        self._guard.run(self.publish_status, what="the last counts were not published")

    def _opened(self) -> UdpFeed | SerialFeed:
        """The feed; again at the port that was chosen."""
        address = self._source if self._feed is None else self._feed.address
        return (UdpFeed if address.startswith(UDP) else SerialFeed)(address)

    # -- live ----------------------------------------------------------------------------------------------------

    def _receive(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self._take(stopping)

    @guarded("receiving CSI was interrupted")
    def _take(self, stopping: threading.Event) -> None:
        try:
            came = self._feed.receive(_POLL_SECONDS)
        except Exception:
            stopping.wait(_POLL_SECONDS)  # a fault that stays must not keep a processor busy
            raise
        if came:
            with self._came:
                self._dropped += len(self._waiting) == self._waiting.maxlen
                self._waiting.append((time.time(), came))
                self._came.notify()

    def _decode(self, stopping: threading.Event) -> None:
        while True:
            with self._came:
                if not self._waiting and not stopping.is_set():
                    self._came.wait(_POLL_SECONDS)
                arrived, came = self._waiting.popleft() if self._waiting else (0.0, [])
            if not came and stopping.is_set():
                return
            for datagram in came:
                self._pass_on_all(datagram, arrived)
            self._guard.run(self._watch, what="the counts were not published")

    @guarded("a packet was not passed on")
    def _pass_on_all(self, datagram: bytes, arrived: float) -> None:
        for packet in self._live.packets(datagram, arrived):
            self._pass_on(packet, self._live.decoder)

    def _watch(self) -> None:
        silent = time.monotonic() - self._heard > self._silence
        if silent and not self._silent:
            why = f"; the first of {self._live.malformed} malformed: {self._live.why}" if self._live.malformed else ""
            self.warn(f"no packet of CSI from {self.address()} for {self._silence:g} s{why}")
        self._silent = silent
        self.publish_status_when_due()

    # -- logs ----------------------------------------------------------------------------------------------------

    def _play(self, stopping: threading.Event) -> None:
        self._guard.run(self._play_all, stopping, what="the log was not played to its end")
        self._ended = True
        if not stopping.is_set():
            self._guard.run(self.publish_status, what="the last counts were not published")
            time.sleep(_LAST_MESSAGES_SECONDS)
            say_done(self)

    def _play_all(self, stopping: threading.Event) -> None:
        pacer = Pacer()
        while True:
            for packet in self._log.packets():
                wait = pacer.wait_for(packet.time) if self._pace == "recorded" else 0.0
                if stopping.wait(wait) if wait else stopping.is_set():
                    return
                self._pass_on(packet, self._log)
                self.publish_status_when_due()
            if not self._repeat:
                return
            pacer.begin()
            if self._lost:
                self._lost.forget()

    # -- both ----------------------------------------------------------------------------------------------------

    def _pass_on(self, packet: CsiPacket, of) -> None:
        """`of` has the modulus of the numbers, and says whose they are."""
        if packet.number is not None and of.modulus and not packet.first:
            self._lost = self._lost or LostPackets(of.modulus)
            self._lost.add(packet.source if of.numbers_by_sender else "", packet.number)
        for pdu in csi_pdus(packet, self._antennas):
            self.message_port_pub(keys.CSI, pdu)
            self._vectors += 1
        self._packets += 1
        self._heard = time.monotonic()


def _check(pace, repeat, antennas, packet_rate, silence, high_water_mark) -> None:
    if pace not in PACES:
        raise WfmError(f"pace {pace!r}: one of {', '.join(PACES)} is expected")
    if repeat and pace == "fast":
        raise WfmError("a log that is repeated without waiting would fill the memory: repeat it at the recorded pace")
    if antennas < 0 or not packet_rate > 0 or not silence > 0 or high_water_mark < 1:
        raise WfmError(
            f"{antennas} antennas, {packet_rate:g} packets a second, silence {silence:g} s, high-water mark "
            f"{high_water_mark}: 0 or more antennas, and the others above 0, are expected"
        )
