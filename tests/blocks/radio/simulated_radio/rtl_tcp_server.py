# SPDX-License-Identifier: GPL-3.0-or-later
"""An rtl_tcp server on loopback without a dongle: `osmosdr:rtl_tcp=127.0.0.1:PORT` hears it.

It sends a ramp, or a cu8 recording again and again, at the rate that the client sets, and prints its port, the commands
it gets (each with the sample before which it came), each million samples and what it lost, a line each. One client
after the other.
"""

import argparse
import itertools
import socket
import struct
import threading
import time
from pathlib import Path

TUNER_R820T, GAINS = 5, 29
COMMANDS = {
    0x01: "freq", 0x02: "rate", 0x03: "gain_mode", 0x04: "gain", 0x05: "ppm", 0x06: "if_gain", 0x08: "agc",
    0x09: "direct_sampling", 0x0A: "offset_tuning", 0x0D: "gain_index", 0x0E: "bias_tee",
}  # fmt: skip
PIECE_SECONDS = 0.01
PROGRESS = 1_000_000  # samples
RAMP_PERIOD = 1 << 16


def ramp() -> bytes:
    """One period: I is the low byte of the tick, Q the high one."""
    return b"".join(struct.pack("<H", tick) for tick in range(RAMP_PERIOD))


class Client:
    """One connection: its commands in a thread, samples in `serve`."""

    def __init__(self, connection: socket.socket, signal: bytes, knobs: argparse.Namespace):
        self._connection, self._signal, self._knobs = connection, signal, knobs
        self._gone = threading.Event()
        self._rate = 2048000
        self._sent = self._lost = self._losses = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        waiting = b""
        while True:
            try:
                got = self._connection.recv(64)
            except OSError:
                got = b""
            if not got:
                self._gone.set()
                return
            waiting += got
            while len(waiting) >= 5:
                code, value = struct.unpack(">BI", waiting[:5])
                waiting = waiting[5:]
                print(f"{COMMANDS.get(code, code)} {value} before sample {self._sent}", flush=True)
                if COMMANDS.get(code) == "rate":
                    self._rate = value

    def serve(self) -> None:
        """Samples by the wall clock until the client or, by its knobs, the server has enough."""
        knobs, begin = self._knobs, time.monotonic()
        self._connection.sendall(b"RTL0" + struct.pack(">II", TUNER_R820T, GAINS))
        while not self._gone.is_set():
            up = time.monotonic() - begin
            if knobs.die and up > knobs.die:
                print("dies", flush=True)
                return
            if knobs.stall and up > knobs.stall:
                time.sleep(PIECE_SECONDS)
                continue
            if knobs.lose_every and up > (self._losses + 1) * knobs.lose_every:
                self._losses += 1
                self._lost += knobs.lose
                print(f"lost {knobs.lose} before sample {self._sent}", flush=True)
            count = round(self._rate * PIECE_SECONDS)
            self._connection.sendall(self._piece(count))
            self._sent += count
            if self._sent // PROGRESS > (self._sent - count) // PROGRESS:
                print(f"sent {self._sent // PROGRESS * PROGRESS}", flush=True)
            due = begin + (self._sent + self._lost) / (self._rate * knobs.slow)
            time.sleep(max(0.0, due - time.monotonic()))

    def _piece(self, count: int) -> bytes:
        first, length = 2 * (self._sent + self._lost) % len(self._signal), 2 * count
        piece = self._signal[first : first + length]
        while len(piece) < length:
            piece += self._signal[: length - len(piece)]
        return piece


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=1234, help="0: any free one")
    parser.add_argument("--file", type=Path, help="cu8 recording instead of the ramp")
    parser.add_argument("--die", type=float, default=0, help="close the connection after so many seconds, and end")
    parser.add_argument("--stall", type=float, default=0, help="send nothing more after so many seconds")
    parser.add_argument("--slow", type=float, default=1, help="send at this share of the rate")
    parser.add_argument("--lose-every", type=float, default=0, help="lose samples each so many seconds")
    parser.add_argument("--lose", type=int, default=1000, help="how many")
    return parser.parse_args()


def main() -> None:
    knobs = arguments()
    signal = knobs.file.read_bytes() if knobs.file else ramp()
    with socket.create_server(("127.0.0.1", knobs.port)) as server:
        print(f"port {server.getsockname()[1]}", flush=True)
        for number in itertools.count(1):
            connection, _ = server.accept()
            print(f"client {number}", flush=True)
            with connection:
                try:
                    Client(connection, signal, knobs).serve()
                except OSError as error:
                    print(f"client {number} is gone: {error}", flush=True)
            if knobs.die:
                return


if __name__ == "__main__":
    main()
