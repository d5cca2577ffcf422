# SPDX-License-Identifier: GPL-3.0-or-later
"""Where live CSI comes from: a UDP socket or a serial line. No GNU Radio."""

import contextlib
import errno
import os
import select
import socket
import stat
import sys
import termios
import time
from urllib.parse import parse_qs

from wfm_core.base.errors import WfmError
from wfm_core.data.recordings.csi.esp32 import LONGEST_LINE
from wfm_core.data.recordings.csi.live import LONGEST

UDP, SERIAL = "udp://", "serial:"
LOOPBACK = "127.0.0.1"
_SOCKET_BYTES = 1 << 22
_SO_RXQ_OVFL = 40
"""Linux: with each datagram comes how many the kernel has dropped so far. Python has no name for it."""
_AGAIN_SECONDS = 1.0
_BAUD = 921600


class UdpFeed:
    """Datagrams to `address`, `udp://HOST:PORT`; without a host those of this computer alone.

    Raises:
        WfmError: it is no address, or cannot be had.
    """

    def __init__(self, address: str):
        host, _, port = address.removeprefix(UDP).rpartition(":")
        if not port.isascii() or not port.isdecimal() or int(port) > 65535:
            raise WfmError(f"CSI cannot be had from {address!r}: give udp://HOST:PORT, such as {UDP}{LOOPBACK}:5500")
        try:
            self._socket = _bound(host.strip("[]") or LOOPBACK, int(port))
        except OSError as error:
            raise WfmError(
                f"CSI cannot be had from {address!r} ({error.strerror}): give udp://HOST:PORT with an address of this "
                f"computer and a port that is free, such as {UDP}{LOOPBACK}:5500"
            ) from error
        with contextlib.suppress(OSError):  # on other systems what the kernel drops is not known
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        self.overflowed = 0
        """Datagrams that the kernel has dropped, since none was taken from it in time; known with the next one."""
        place = self._socket.getsockname()
        self.address = f"{UDP}{f'[{place[0]}]' if ':' in place[0] else place[0]}:{place[1]}"
        """Where it listens, with the port that was chosen for 0."""

    def receive(self, seconds: float) -> list[bytes]:
        """Waits so long for datagrams; gives those that are there."""
        self._socket.settimeout(seconds)
        try:
            data, beside, _, _ = self._socket.recvmsg(LONGEST, socket.CMSG_SPACE(4))
        except TimeoutError:
            return []
        for level, kind, value in beside:
            if (level, kind) == (socket.SOL_SOCKET, _SO_RXQ_OVFL):
                self.overflowed = int.from_bytes(value[:4], sys.byteorder)
        return [data]

    def close(self) -> None:
        self._socket.close()


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)  # as far as the system lets it
        opened.bind(place)
    except OSError:
        opened.close()
        raise
    return opened


class SerialFeed:
    """Lines of `serial:/dev/ttyUSB0?baud=921600`, 8 bits, no parity. One that is unplugged is opened again when it is
    there.

    Raises:
        WfmError: it is no serial line, cannot be opened, or does not have the rate.
    """

    overflowed = 0

    def __init__(self, address: str):
        self.address = address
        path, _, options = address.removeprefix(SERIAL).partition("?")
        given = parse_qs(options, keep_blank_values=True)
        baud = given.pop("baud", [str(_BAUD)])[-1]
        if given or not path:
            raise WfmError(f"CSI cannot be had from {address!r}: give {SERIAL}/dev/ttyUSB0?baud={_BAUD}")
        self._path, self._speed = path, getattr(termios, f"B{baud}", None)
        if not baud.isdecimal() or not self._speed:
            raise WfmError(f"{address!r}: {baud} baud is no rate of serial lines here, such as {_BAUD}")
        self._rest = b""
        self._try_again = 0.0
        try:
            self._line: int | None = self._open()
        except (OSError, termios.error) as error:
            raise WfmError(f"CSI cannot be had from {address!r} ({error}): name a serial line that is there") from error

    def receive(self, seconds: float) -> list[bytes]:
        """Waits so long for bytes; gives the lines that they complete. Raises `OSError` once when the line is gone."""
        if self._line is None and not self._opened_again(seconds):
            return []
        if not select.select([self._line], [], [], seconds)[0]:
            return []
        try:
            came = os.read(self._line, LONGEST)
        except BlockingIOError:
            return []
        except OSError:
            came = b""
        if not came:
            self.close()
            raise OSError(errno.EIO, f"the serial line {self._path} is gone; it is tried again")
        *lines, self._rest = (self._rest + came).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines.append(self._rest)  # to be refused, and counted
            self._rest = b""
        return [line for line in lines if line.strip()]

    def close(self) -> None:
        if self._line is not None:
            os.close(self._line)
        self._line, self._rest = None, b""

    def _opened_again(self, seconds: float) -> bool:
        if time.monotonic() < self._try_again:
            time.sleep(seconds)
            return False
        self._try_again = time.monotonic() + _AGAIN_SECONDS
        try:
            self._line = self._open()
        except (OSError, termios.error):
            return False
        return True

    def _open(self) -> int:
        if not stat.S_ISCHR(os.stat(self._path).st_mode):
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        line = os.open(self._path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = termios.tcgetattr(line)
            mode[0], mode[1], mode[3] = 0, 0, 0  # nothing is translated
            mode[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
            mode[4] = mode[5] = self._speed
            termios.tcsetattr(line, termios.TCSANOW, mode)
        except termios.error:
            os.close(line)
            raise
        return line
