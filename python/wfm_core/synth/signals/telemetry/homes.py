# SPDX-License-Identifier: GPL-3.0-or-later
"""Home automation and plain transceivers in FSK: Z-Wave, HomeMatic, io-homecontrol, Evohome, CC1101/RFM69, Wi-SUN.

868 to 928 MHz (and 315/433 for plain transceivers): 4.8 to 250 kbit/s; occupied bandwidth 10 to 400 kHz. Z-Wave: ITU-T
G.9959 (R1 9.6 kbit/s Manchester, R2 40 kbit/s, R3 100 kbit/s GFSK). BidCoS: 10 kbit/s, whitened. io-homecontrol: 38.4
kbit/s with start and stop bits (rtl_433, somfy_iohc.c). Evohome: the same, Manchester (honeywell_cm921.c).
Transceivers: data sheets of CC1101 (TI SWRS061) and RFM69. SUN FSK: IEEE 802.15.4-2020, 19.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, manchester, number_bits, shift_register
from wfm_core.synth.signals.telemetry.checks import crc_of
from wfm_core.synth.signals.telemetry.radio import Link, Modem


def z_wave(home: int, node: int, data: bytes, rate: int) -> np.ndarray:
    """Preamble, start of frame 0xF0, header, data and checksum (R3: CRC)."""
    head = home.to_bytes(4, "big") + bytes([node, 0x41, int(len(data) % 16)])
    check = 2 if rate == 3 else 1
    body = head + bytes([len(head) + 2 + len(data) + check, 1]) + data
    if rate == 3:
        body += crc_of(body, 0x1021, 16, start=0x1D0F).to_bytes(2, "big")
    else:
        total = 0xFF
        for byte in body:
            total ^= byte
        body += bytes([total])
    bits = bits_of(b"\x55" * {1: 10, 2: 20, 3: 40}[rate] + b"\xf0" + body)
    return manchester(bits, one=(1, 0)) if rate == 1 else bits


def _z_wave_content(rate: int):
    def draw(rng: np.random.Generator) -> dict:
        return {"home": int(rng.integers(1 << 32)), "node": int(rng.integers(1, 233)),
                "data": rng.bytes(int(rng.integers(1, 30))), "rate": rate}  # fmt: skip

    return draw


def bidcos(data: bytes) -> np.ndarray:
    """HomeMatic: preamble, sync E9CA twice, length, whitened bytes, CRC of the CC1101."""
    body = bytes([len(data)]) + data
    whitened = [body[0], (~body[1] & 255) ^ 0x89]
    for place in range(2, len(body) - 1):
        whitened.append((whitened[place - 1] + 0xDC & 255) ^ body[place])
    whitened.append(body[-1] ^ body[2])
    check = crc_of(bytes(whitened), 0x8005, 16, start=0xFFFF)
    return bits_of(b"\xaa" * 4 + b"\xe9\xca\xe9\xca" + bytes(whitened) + check.to_bytes(2, "big"))


def with_start_and_stop(data: bytes) -> np.ndarray:
    """Ten bits a byte: 0, least significant bit first, 1."""
    bits = np.ones((len(data), 10), np.uint8)
    bits[:, 0] = 0
    bits[:, 1:9] = bits_of(data, lsb_first=True).reshape(-1, 8)
    return bits.ravel()


def io_homecontrol(target: int, source: int, payload: bytes, counter: int, mac: bytes, preamble: int) -> np.ndarray:
    body = bytes([0xF0 | len(payload)]) + target.to_bytes(4, "little") + source.to_bytes(4, "little")
    body += payload + counter.to_bytes(2, "big") + mac
    check = crc(bits_of(body, lsb_first=True), 0x1021, 16)
    tail = number_bits(check, 16)
    checked = body + np.packbits(tail, bitorder="little").tobytes()
    return np.concatenate([bits_of(b"\x55" * preamble), with_start_and_stop(b"\xff\x33" + checked)])


def _io_content(rng: np.random.Generator) -> dict:
    return {"target": 0x3F000000 | int(rng.integers(256)), "source": int(rng.integers(1 << 24)),
            "payload": rng.bytes(int(rng.choice([6, 8]))), "counter": int(rng.integers(1 << 16)),
            "mac": rng.bytes(6), "preamble": int(rng.choice([16, 64, 200]))}  # fmt: skip


def evohome(data: bytes) -> np.ndarray:
    """Sync ff 00 33 55 53, each byte as two of Manchester, 35 at the end."""
    halves = manchester(bits_of(data), one=(0, 1))
    coded = np.packbits(halves).tobytes()
    body = with_start_and_stop(b"\xff\x00\x33\x55\x53" + coded + b"\x35\x55")
    return np.concatenate([bits_of(b"\x55" * 5), body])


def _evohome_content(rng: np.random.Generator) -> dict:
    ids = bytes([4 << 2 | int(rng.integers(4))]) + rng.bytes(2)
    payload = rng.bytes(3)
    head = bytes([0x18]) + ids + b"\x04" + ids[1:] + b"\x30\xc9" + bytes([len(payload)]) + payload
    return {"data": head + bytes([-sum(head) & 255])}


_PN9 = shift_register((9, 4), 9, 511, 0x1FF)


def pn9(count: int) -> np.ndarray:
    """x^9 + x^5 + 1 from all ones, without the ones themselves: the whitening of IEEE 802.15.4, 19.4."""
    return np.resize(np.roll(_PN9, -9), count)


def cc1101_white(count: int) -> np.ndarray:
    """The same with the ones, each byte the other way about (TI design note DN509)."""
    return bits_of(np.packbits(np.resize(_PN9, -(-count // 8) * 8), bitorder="little").tobytes())[:count]


def plain(data: bytes, sync: bytes, preamble: int, white: bool) -> np.ndarray:
    """A transceiver's packet engine: preamble, sync, length, data, CRC-16, whitened or not."""
    body = bytes([len(data)]) + data
    bits = bits_of(body + crc_of(body, 0x8005, 16, start=0xFFFF).to_bytes(2, "big"))
    if white:
        bits = bits ^ cc1101_white(len(bits))
    return np.concatenate([bits_of(b"\xaa" * preamble + sync), bits])


SYNCS = (b"\x2d\xd4", b"\xd3\x91", b"\xd3\x91\xd3\x91", b"\x2d\x64", b"\x01\x88\xf0", b"\x7e\x7e", b"\x90\x4e")


def _plain_content(rng: np.random.Generator) -> dict:
    return {"data": rng.bytes(int(rng.integers(4, 62))), "sync": SYNCS[rng.integers(len(SYNCS))],
            "preamble": int(rng.integers(3, 12)), "white": bool(rng.random() < 0.5)}  # fmt: skip


PLAIN_RATES = (1.2e3, 2.4e3, 4.8e3, 9.6e3, 19.2e3, 38.4e3, 49.26e3, 50e3, 55.555e3, 57.6e3, 76.8e3, 100e3, 150e3, 250e3)


def _plain_modem(rng: np.random.Generator) -> Modem:
    rate = float(rng.choice(PLAIN_RATES))
    ratios = [0.25, 0.5, 0.5, 0.75, 1.0] + [2.0] * (rate < 60e3) + [4.0] * (rate < 6e3)
    return Modem(rate, rate * float(rng.choice(ratios)), 0.5 if rng.random() < 0.4 else None)


def sun_fsk(data: bytes, preamble: int, white: bool) -> np.ndarray:
    """Preamble 0x55, SFD 0x904E, PHR with the length, data with CRC-32, whitened by PN9."""
    check = crc(bits_of(data, lsb_first=True), 0x04C11DB7, 32, start=0xFFFFFFFF, final=0xFFFFFFFF)
    header = np.concatenate([[0, 0, 0, 0, int(white)], number_bits(len(data) + 4, 11)]).astype(np.uint8)
    body = np.concatenate([bits_of(data, lsb_first=True), number_bits(check, 32)])
    if white:
        body = body ^ pn9(len(body))
    return np.concatenate([bits_of(b"\x55" * preamble + b"\x90\x4e"), header, body])


def _sun_content(rng: np.random.Generator) -> dict:
    return {"data": rng.bytes(int(rng.integers(12, 400))), "preamble": int(rng.choice([4, 8, 16])),
            "white": bool(rng.random() < 0.85)}  # fmt: skip


def _sun_modem(rng: np.random.Generator) -> Modem:
    rate, index = [(50e3, 1.0), (50e3, 0.5), (100e3, 1.0), (100e3, 0.5), (150e3, 0.5), (200e3, 0.5)][rng.integers(6)]
    return Modem(rate, rate * index / 2, 0.5)


LINKS = (
    Link("z-wave-r1", _z_wave_content(1), z_wave, Modem(19200, 20e3), (1, 3), (0.01, 0.1)),
    Link("z-wave-r2", _z_wave_content(2), z_wave, Modem(40e3, 20e3), (1, 4), (0.005, 0.1)),
    Link("z-wave-r3", _z_wave_content(3), z_wave, Modem(100e3, 29e3, 0.6), (1, 4), (0.003, 0.1)),
    Link("homematic", lambda rng: {"data": rng.bytes(int(rng.integers(10, 30)))}, bidcos, Modem(10e3, 19e3), (1, 3)),
    Link("io-homecontrol", _io_content, io_homecontrol, Modem(38400, 19.2e3), (1, 4), (0.02, 0.04)),
    Link("evohome", _evohome_content, evohome, Modem(38400, 50e3), (1, 3), (0.02, 0.2)),
    Link("transceiver", _plain_content, plain, _plain_modem, (1, 3), (0.01, 0.3)),
    Link("sun-fsk", _sun_content, sun_fsk, _sun_modem, (1, 5), (0.003, 0.05)),
)
