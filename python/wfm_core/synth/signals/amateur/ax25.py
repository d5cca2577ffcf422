# SPDX-License-Identifier: GPL-3.0-or-later
"""AX.25 frames (TAPR, AX.25 Link Access Protocol 2.2) and what they carry: APRS (version 1.0.1), beacons, links."""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc_x25, stuffed
from wfm_core.synth.signals.content import call_sign, text

FLAG = np.array([0, 1, 1, 1, 1, 1, 1, 0], np.uint8)
_TO = ("APRS", "APDW16", "APU25N", "APZ100", "APOT21", "BEACON", "CQ", "ID", "TLM")
_PATHS = ((), ("WIDE1-1",), ("WIDE1-1", "WIDE2-1"), ("WIDE2-2",), ("RELAY", "WIDE"))


def address(name: str, last: bool, command: bool = False) -> bytes:
    """Seven bytes of a station, as "CALL" or "CALL-7"."""
    call, _, number = name.partition("-")
    tail = 0x60 | int(number or 0) << 1 | last | (0x80 if command else 0)
    return bytes(ord(letter) << 1 for letter in call.ljust(6)[:6]) + bytes([tail])


def ui_frame(source: str, target: str, path: tuple[str, ...], info: bytes) -> bytes:
    """An unnumbered information frame with no layer 3, without its check sequence."""
    names = [target, source, *path]
    addresses = [address(name, n == len(names) - 1, n == 0) for n, name in enumerate(names)]
    return b"".join(addresses) + b"\x03\xf0" + info


def link_frame(source: str, target: str, rng: np.random.Generator) -> bytes:
    """A frame of a connection: set up, acknowledgement, or numbered information."""
    ends = address(target, False, True) + address(source, True)
    control = int(rng.choice([0x3F, 0x73, 0x53, rng.integers(0, 8) << 5 | 1, rng.integers(0, 8) << 5]))
    info = b"\xf0" + text(int(rng.integers(2, 20)), rng).encode() + b"\r" if not control & 1 else b""
    return ends + bytes([control]) + info


def line_bits(frames: list[bytes], before: int, after: int, between: int = 1) -> np.ndarray:
    """Frames with check sequence and stuffing, between so many flags."""
    pieces = [np.tile(FLAG, before)]
    for number, frame in enumerate(frames):
        if number:
            pieces.append(np.tile(FLAG, between))
        pieces.append(stuffed(bits_of(frame + crc_x25(frame), lsb_first=True)))
    return np.concatenate([*pieces, np.tile(FLAG, after)])


def position(rng: np.random.Generator) -> str:
    latitude, longitude = rng.uniform(0, 80), rng.uniform(0, 179)
    north, east = rng.choice(["N", "S"]), rng.choice(["E", "W"])
    table, symbol = rng.choice(list("/\\")), rng.choice(list("->_#&k[Ov"))
    return (
        f"{int(latitude):02d}{latitude % 1 * 59.99:05.2f}{north}{table}"
        f"{int(longitude):03d}{longitude % 1 * 59.99:05.2f}{east}{symbol}"
    )


def report(rng: np.random.Generator) -> bytes:
    """What an APRS station says."""
    kind = rng.integers(0, 8)
    if kind == 0:
        said = "!" + position(rng) + text(int(rng.integers(1, 8)), rng)
    elif kind == 1:
        course = f"{rng.integers(0, 360):03d}/{rng.integers(0, 120):03d}/A={rng.integers(0, 40000):06d}"
        said = f"/{rng.integers(0, 240000):06d}h{position(rng)}{course}"
    elif kind == 2:
        weather = f"{rng.integers(0, 360):03d}/{rng.integers(0, 40):03d}g{rng.integers(0, 60):03d}"
        air = f"t{rng.integers(0, 99):03d}h{rng.integers(0, 99):02d}"
        said = f"@{rng.integers(0, 310000):06d}z{position(rng)}{weather}{air}"
    elif kind == 3:
        values = ",".join(f"{value:03d}" for value in rng.integers(0, 256, 5))
        said = f"T#{rng.integers(0, 1000):03d},{values},{rng.integers(0, 256):08b}"
    elif kind == 4:
        said = f":{call_sign(rng):9s}:{text(int(rng.integers(1, 9)), rng)}{{{rng.integers(0, 1000)}"
    elif kind == 5:
        said = ">" + text(int(rng.integers(2, 10)), rng)
    elif kind == 6:
        said = f";{call_sign(rng):9s}*{rng.integers(0, 310000):06d}z{position(rng)}{text(2, rng)}"
    else:
        said = text(int(rng.integers(1, 30)), rng)
    return said.encode()


def any_frames(rng: np.random.Generator) -> list[bytes]:
    """What goes out in one transmission: a report, or some frames of a connection."""
    source = call_sign(rng) + (f"-{rng.integers(1, 16)}" if rng.random() < 0.6 else "")
    if rng.random() < 0.2:
        target = call_sign(rng)
        return [link_frame(source, target, rng) for _ in range(rng.integers(1, 4))]
    count = 1 if rng.random() < 0.85 else int(rng.integers(2, 5))
    path = _PATHS[int(rng.integers(len(_PATHS)))]
    return [ui_frame(source, str(rng.choice(_TO)), path, report(rng)) for _ in range(count)]
