# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets with CSI of every format, packed here from whole numbers, and where real ones are."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest

MAC = "1a:2b:3c:4d:5e:6f"
RAW_MAC = bytes.fromhex(MAC.replace(":", ""))
NEEDS_CSIREAD = "csiread is not installed: pip install csiread"


def numbers(subcarriers: int, receive: int, streams: int, most: int, seed: int = 1) -> np.ndarray:
    """complex64 [subcarriers, receive, streams] of whole numbers from -most to most - 1."""
    draw = np.random.default_rng(seed).integers(-most, most, (2, subcarriers, receive, streams))
    return (draw[0] + 1j * draw[1]).astype(np.complex64)


def packed(values, bits: int, gap: tuple[int, int] = (0, 0)) -> int:
    """Whole numbers, low bits first; `gap`: after how many of them so many bits are left out before the next."""
    whole, place = 0, 0
    for index, value in enumerate(values):
        if gap[0] and index % gap[0] == 0:
            place += gap[1]
        whole |= (int(value) & ((1 << bits) - 1)) << place
        place += bits
    return whole


def parts(csi: np.ndarray, imaginary_first: bool) -> np.ndarray:
    both = (csi.imag, csi.real) if imaginary_first else (csi.real, csi.imag)
    return np.stack(both, -1).reshape(-1)


def intel_values(csi: np.ndarray) -> bytes:
    _, receive, streams = csi.shape
    size = 60 * receive * streams + 12
    return packed(parts(csi, False), 8, (2 * receive * streams, 3)).to_bytes(size, "little")


def intel(csi: np.ndarray, ticks: int = 5_000_000, number: int = 7, order=(0, 1, 2), agc: int = 30) -> bytes:
    """A record without its length; chain j is of antenna `order[j]`."""
    _, receive, streams = csi.shape
    turned = csi[:, list(order)[:receive]] if sorted(order[:receive]) == list(range(receive)) else csi
    values = intel_values(turned)
    code = sum(antenna << 2 * chain for chain, antenna in enumerate(order))
    head = struct.pack("<IHHBB3BbBBHH", ticks, number, 0, receive, streams, 40, 41, 42, -90, agc, code, len(values), 0)
    return b"\xbb" + head + values


def with_length(record: bytes, order: str) -> bytes:
    return len(record).to_bytes(2, order) + record


def atheros(csi: np.ndarray, ticks: int = 3_000_000, order: str = "little", payload: bytes = b"abc") -> bytes:
    tones, receive, streams = csi.shape
    values = packed(parts(csi, True), 10).to_bytes(-(-tones * receive * streams * 20 // 16) * 2, "little")
    mark = "<" if order == "little" else ">"
    head = struct.pack(f"{mark}QHH", ticks, len(values), 2437)
    head += bytes([0, 0, 0x8F, 0, tones, receive, streams, 50, 51, 52, 128]) + struct.pack(f"{mark}H", len(payload))
    return head + values + payload


def nexmon(csi: np.ndarray, number: int = 9, core: int = 0, stream: int = 0, rssi: int | None = None) -> bytes:
    """A UDP packet of a chip with 16-bit values."""
    mark = b"\x11\x11\x11\x11" if rssi is None else b"\x11\x11" + struct.pack("b", rssi) + b"\x80"
    head = mark + RAW_MAC + struct.pack("<HHHH", number << 4, core | stream << 3, 0xE02A, 0x0065)
    return head + parts(csi, False).astype("<i2").tobytes()


def pcap(payloads, times=None, mark: str = "<", link: int = 1) -> bytes:
    """A capture of the payloads, at `times` in seconds (default: 10 ms apart)."""
    data = struct.pack(f"{mark}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 16, link)
    for index, payload in enumerate(payloads):
        frame = b"\xff" * 6 + b"NEXMON" + b"\x08\x00"
        frame += struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 1, 0, 64, 17, 0, b"\x0a" * 4, b"\xff" * 4)
        frame += struct.pack(">HHHH", 5500, 5500, 8 + len(payload), 0) + payload
        micros = round((1.7e9 + 0.01 * index if times is None else times[index]) * 1e6)
        data += struct.pack(f"{mark}IIII", micros // 1_000_000, micros % 1_000_000, len(frame), len(frame)) + frame
    return data


def esp32(csi: np.ndarray, layout: int = 24, number: int = 3, ticks: int = 2_000_000, rssi: int = -61) -> bytes:
    """A line of a firmware with so many fields before the list."""
    values = parts(csi, True).astype(int).tolist()
    if layout == 25:
        fields = (
            f"CSI_DATA,AP,{MAC.upper()},{rssi},11,1,0,1,1,1,0,0,0,0,-93,0,6,1,{ticks},0,101,0,0,80.36,{len(values)}"
        )
        return f"{fields},[{' '.join(map(str, values))} ]\n".encode()
    if layout == 24:
        fields = f"CSI_DATA,{number},{MAC},{rssi},11,1,0,0,1,1,1,0,0,0,-96,0,11,2,{ticks},0,47,0,{len(values)},0"
    else:
        fields = f"CSI_DATA,{number},{MAC},{rssi},11,-96,32,4,11,{ticks},47,0,{len(values)},0"
    return f'{fields},"[{",".join(map(str, values))}]"\r\n'.encode()


def segment(name: bytes, version: int, content: bytes) -> bytes:
    return struct.pack("<IB", 3 + len(name) + len(content), len(name)) + name + struct.pack("<H", version) + content


def picoscenes(csi: np.ndarray, device: int = 0x5300, number: int = 11, ticks: int = 4_000_000, version: int = 2):
    """A frame, with a segment more than what is read of it."""
    tones, receive, streams = csi.shape
    width = 40 if tones == 114 else 20
    if device == 0x5300:
        values = intel_values(csi)
    else:
        values = packed(parts(csi.transpose(0, 2, 1), True), 10).to_bytes(tones * receive * streams * 20 // 8, "little")
    basic = struct.pack(
        "<HQhBHHBBBBbbbbb", device, ticks, 2412, 1, width, 800, 3, streams, 0, receive, -90, 30, 31, 32, 33
    )
    head = struct.pack("<HbHQQIHBBB", device, 1, width, 2_412_000_000, 20_000_000, 312_500, tones, streams, receive, 0)
    head += {1: b"\0", 2: b"\0" + bytes(2), 3: b"\1\0\0" + bytes(2)}[version] + struct.pack("<I", len(values))
    mac = b"\x88\x00\x00\x00" + b"\xff" * 6 + RAW_MAC + b"\x00" * 6 + struct.pack("<H", number << 4) + b"payload"
    inside = (
        segment(b"RxSBasic", 1, basic) + segment(b"ExtraInfo", 1, bytes(4)) + segment(b"CSI", version, head + values)
    )
    body = struct.pack("<IHB", 0x20150315, 1, 3) + inside + mac
    return struct.pack("<I", len(body)) + body


def good_packet(format: str, seed: int = 1) -> tuple[bytes, np.ndarray]:
    """A packet of each format as it comes live, and its CSI."""
    if format == "intel":
        csi = numbers(30, 3, 2, 128, seed)
        return intel(csi), csi
    if format == "atheros":
        csi = numbers(56, 3, 2, 512, seed)
        return atheros(csi), csi
    if format == "nexmon":
        csi = numbers(64, 1, 1, 1 << 15, seed)
        return nexmon(csi), csi
    if format == "picoscenes":
        csi = numbers(30, 3, 1, 128, seed)
        return picoscenes(csi), csi
    csi = numbers(64, 1, 1, 128, seed)
    return esp32(csi), csi


def as_log(format: str, packets: list[bytes]) -> bytes:
    if format == "nexmon":
        return pcap(packets)
    if format in ("intel", "atheros"):
        return b"".join(with_length(p, "big" if format == "intel" else "little") for p in packets)
    return b"".join(packets)


def real_csi(name: str) -> Path:
    """A real recording; skips the test where there is none."""
    folder = Path(os.environ.get("WFM_REALDATA", Path(__file__).parents[4] / "shared" / "realdata"))
    if not (folder / name).exists():
        pytest.skip(f"no {folder / name}: set WFM_REALDATA to the folder of real recordings")
    return folder / name
