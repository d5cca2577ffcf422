# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarm sensors, meters and switches that harvest: DSC, Honeywell, Interlogix, Visonic, Itron ERT, EnOcean.

On-off keying: DSC and Visonic at 433.92 MHz (0.25 and 0.4 ms), Honeywell 345 MHz (half bits of about 140 us),
Interlogix 319.5 MHz (122 us), Itron ERT meters in 910 to 920 MHz (32768 chips/s, one burst a channel), EnOcean
868.3 MHz (125 kbit/s).
Occupied bandwidth 5 to 300 kHz. Frames as in DSC's FCC report F5300NB912, US 5761206 (Interlogix), rtlamr's notes on
SCM, EnOcean ERP1, and rtl_433's decoders of the same names.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, bytes_of, crc, manchester, number_bits
from wfm_core.synth.signals.telemetry.checks import crc_of, fields
from wfm_core.synth.signals.telemetry.keyer import Protocol
from wfm_core.synth.signals.telemetry.pulses import distance_coded, joined, repeated, runs, width_coded, with_gap

US = 1e-6


def dsc(esn: int, status: int) -> np.ndarray:
    """Four sync ones, then status, serial number and CRC with a one before each eighth bit."""
    data = bytes([status, *esn.to_bytes(3, "big")])
    # Over bytes least significant bit first; its own bits go out the same way.
    check = crc(bits_of(data, lsb_first=True), 0xF5, 8, start=0x3D)
    bits = bits_of(data)
    one = np.ones(1, np.uint8)
    pieces = [np.ones(4, np.uint8), bits[:8], one, bits[8:16], one, bits[16:24], one, bits[24:], one]
    return np.concatenate([*pieces, number_bits(check, 8, lsb_first=True)])


def dsc_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    unit = content["unit"]
    levels = np.stack([np.zeros(48, np.uint8), dsc(content["esn"], content["status"])], 1).ravel()
    start = 10 if rng.random() < 0.85 else 22
    packet = runs(np.concatenate([np.ones(start, np.uint8), levels]), unit)
    return repeated(packet, int(rng.integers(1, 7)), rng.uniform(0.05, 0.3))


def _dsc_content(unit: float):
    def draw(rng: np.random.Generator) -> dict:
        status = 0x81 | int(rng.choice([0x00, 0x02, 0x40, 0x42, 0x0A, 0x22]))
        return {"esn": int(rng.integers(1 << 20, 1 << 24)), "status": status, "unit": unit}

    return draw


def honeywell(id: int, channel: int, event: int) -> np.ndarray:
    body = fields((channel, 4), (id, 20), (event, 8))
    check = crc_of(bytes_of(body), 0x8050 if channel in (2, 4, 10) else 0x8005, 16)
    return np.concatenate([fields((0xFFFE, 16)), body, number_bits(check, 16)])


def honeywell_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    packet = runs(manchester(honeywell(**content), one=(0, 1)), rng.uniform(132, 144) * US)
    return repeated(packet, int(rng.integers(3, 9)), rng.uniform(0.03, 0.12))


def _honeywell_content(rng: np.random.Generator) -> dict:
    return {"id": int(rng.integers(1, 1 << 20)), "channel": int(rng.choice([2, 4, 8, 10])),
            "event": int(rng.choice([0x80, 0x00, 0x04, 0xA0, 0x20, 0x84]))}  # fmt: skip


def interlogix(id: int, kind: int, state: int) -> np.ndarray:
    """Bits 3 to 57 of US 5761206: twelve zeros, a one, identity and kind, state, two parities, one."""
    data = np.concatenate([number_bits(id, 20, True), number_bits(kind, 4, True), number_bits(state, 16)])
    even = (int(data[0::2].sum()) + 1) & 1
    odd = (int(data[1::2].sum()) + 1) & 1
    return np.concatenate([np.zeros(12, np.uint8), [1], data, [even, odd, 0]]).astype(np.uint8)


def interlogix_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    bits = interlogix(**content)
    packet = joined([976 * US, 244 * US], distance_coded(bits, 122 * US, 122 * US, 244 * US), [366 * US, 122 * US])
    return repeated(packet, int(rng.integers(4, 9)), rng.uniform(0.02, 0.1))


def _interlogix_content(rng: np.random.Generator) -> dict:
    return {"id": int(rng.integers(1, 1 << 20)), "kind": int(rng.choice([0xA, 0x4, 0x6, 0x9])),
            "state": int(rng.integers(1, 1 << 14))}  # fmt: skip


def visonic(id: int, data: int) -> np.ndarray:
    body = fields((id, 24), (data, 8))
    check = 0
    for nibble in body.reshape(-1, 4):
        check ^= int(nibble @ np.array([8, 4, 2, 1]))
    return np.concatenate([[1], body, number_bits(check, 4)]).astype(np.uint8)


def visonic_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    # A short pulse is a one.
    packet = width_coded(visonic(**content), (800 * US, 400 * US), (400 * US, 800 * US))
    return repeated(packet, 6, 3e-3)


def ert_scm(id: int, ert_type: int, consumption_data: int, physical_tamper: int, encoder_tamper: int) -> np.ndarray:
    body = fields(
        (id >> 24, 2), (0, 1), (physical_tamper, 2), (ert_type, 4), (encoder_tamper, 2), (consumption_data, 24),
        (id & 0xFFFFFF, 24),
    )  # fmt: skip
    # The check covers 80 bits: the last five of the preamble (zeros) and all but itself.
    check = crc(np.concatenate([np.zeros(5, np.uint8), body]), 0x6F63, 16)
    return np.concatenate([fields((0x1F2A60, 21)), body, number_bits(check, 16)])


def ert_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """One burst of 5.9 ms; a meter hops, so the next one in this channel is far away."""
    return runs(manchester(ert_scm(**content), one=(1, 0)), 1 / 32768)


def _ert_content(rng: np.random.Generator) -> dict:
    return {"id": int(rng.integers(1 << 20, 1 << 26)), "ert_type": int(rng.choice([4, 5, 7, 8, 12])),
            "consumption_data": int(rng.integers(1 << 22)), "physical_tamper": int(rng.integers(4)),
            "encoder_tamper": int(rng.integers(4))}  # fmt: skip


def enocean(data: bytes) -> np.ndarray:
    """ERP1: 8 bits as 12 (an inverse after each third bit, and 01 or 10 to go on or end), preamble, start, end."""
    bits = bits_of(bytes([*data, crc_of(data, 0x07)]))
    coded = []
    for place, byte in enumerate(bits.reshape(-1, 8)):
        more = (0, 1) if 8 * (place + 1) < len(bits) else (1, 0)
        b = byte.tolist()
        coded += [*b[:3], 1 - b[2], *b[3:6], 1 - b[5], *b[6:], *more]
    return np.concatenate([fields((0b01010101, 8), (0b001, 3)), np.array(coded, np.uint8)])


def enocean_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """Three subtelegrams within 40 ms, at random times; a zero is on."""
    packet = runs(np.concatenate([1 - enocean(content["data"]), [0, 0]]), 8 * US)
    gaps = rng.uniform(1e-3, 12e-3, 3)
    return joined(*[with_gap(packet, gap) for gap in gaps])


def _enocean_content(rng: np.random.Generator) -> dict:
    length = int(rng.choice([1, 4], p=[0.6, 0.4]))
    return {"data": bytes([0xF6 if length == 1 else 0xA5]) + rng.bytes(length + 4) + bytes([0x20])}


def _visonic_content(rng: np.random.Generator) -> dict:
    return {"id": int(rng.integers(1, 1 << 24)), "data": int(rng.integers(256))}


PROTOCOLS = (
    Protocol("dsc", _dsc_content(250 * US), dsc_press, tolerance=0.005),
    Protocol("dsc-ws4945", _dsc_content(536 * US), dsc_press, tolerance=0.005),
    Protocol("honeywell", _honeywell_content, honeywell_press, tolerance=0.003),
    Protocol("interlogix", _interlogix_content, interlogix_press, tolerance=0.005),
    Protocol(
        "visonic", lambda rng: {"id": int(rng.integers(1, 1 << 24)), "data": int(rng.integers(256))}, visonic_press
    ),
    Protocol("ert-scm", _ert_content, ert_press, tolerance=1e-4, pause=(2.0, 8.0)),
    Protocol("enocean", _enocean_content, enocean_press, tolerance=1e-4, most_rate=1e6),
)
