# SPDX-License-Identifier: GPL-3.0-or-later
"""Weather stations, thermostats and tyre sensors in FSK: Bresser, LaCrosse IT+, Fine Offset / Ecowitt, Danfoss, TPMS.

433.92, 868.3, 915 MHz; 8 to 20 kbit/s NRZ or Manchester, deviation 15 to 60 kHz; occupied bandwidth 40 to 150 kHz.
Frames as documented in rtl_433's decoders (src/devices/{bresser_5in1,bresser_6in1,bresser_7in1,lacrosse_tx35,
fineoffset,ambientweather_wh31e,danfoss,tpms_toyota,tpms_citroen,tpms_ford,tpms_renault}.c).
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, bytes_of, manchester
from wfm_core.synth.signals.telemetry.checks import byte_sum, crc_of, digest, fields
from wfm_core.synth.signals.telemetry.distance_sensors import tenths, weather
from wfm_core.synth.signals.telemetry.phase_sensors import differential
from wfm_core.synth.signals.telemetry.radio import Link, Modem

SYNC = b"\x2d\xd4"


def bcd(value: int, digits: int) -> list[int]:
    """Decimal digits, the highest first."""
    return [value // 10**place % 10 for place in reversed(range(digits))]


def preambled(data: bytes, preamble: int = 5, tail: int = 0) -> np.ndarray:
    return np.concatenate([bits_of(b"\xaa" * preamble + SYNC + data), np.zeros(tail, np.uint8)])


def bresser_5in1(id, temperature_C, humidity, gust, wind, direction, rain, battery_ok) -> np.ndarray:
    """13 bytes inverted, then themselves; their first counts the ones."""
    t, h, r, w = bcd(abs(tenths(temperature_C)), 3), bcd(humidity, 2), bcd(rain, 3), bcd(wind, 3)
    data = bytes([
        id, 0x80, gust & 255, direction << 4 | gust >> 8, w[1] << 4 | w[2], w[0], t[1] << 4 | t[2], t[0],
        h[0] << 4 | h[1], r[1] << 4 | r[2], r[0], (0 if battery_ok else 0x80) | (8 if temperature_C < 0 else 0),
    ])  # fmt: skip
    data = bytes([int(bits_of(data).sum())]) + data
    return preambled(bytes(255 - byte for byte in data) + data)


def _station(rng: np.random.Generator) -> dict:
    values = weather(rng)
    del values["channel"]
    return values | {"gust": int(rng.integers(0, 300)), "wind": int(rng.integers(0, 200)),
                     "direction": int(rng.integers(16)), "rain": int(rng.integers(0, 999))}  # fmt: skip


def bresser_6in1(id, channel, temperature_C, humidity, battery_ok) -> np.ndarray:
    raw = tenths(temperature_C) % 1000
    t, h = bcd(raw, 3), bcd(humidity, 2)
    data = list(id.to_bytes(4, "big")) + [0x10 | channel, 0xFF, 0xFF, 0xFF, 0x18, 0x08]
    data += [t[0] << 4 | t[1], t[2] << 4 | battery_ok << 1, h[0] << 4 | h[1], 0xFF, 0xF0]
    data = bytes(data)
    check = digest(data, 0x8810, 0x5412, 16).to_bytes(2, "big")
    return preambled(check + data + bytes([255 - byte_sum(data)]), 4, 3)


def bresser_7in1(id, temperature_C, humidity, gust, wind, direction, rain, light) -> np.ndarray:
    g, w, d, r = bcd(gust, 3), bcd(wind, 3), bcd(direction, 3), bcd(rain, 6)
    t, h, k = bcd(tenths(temperature_C) % 1000, 3), bcd(humidity, 2), bcd(light, 6)
    body = fields(
        (id, 16), *[(digit, 4) for digit in (*d, 0)], (0x01, 8), *[(digit, 4) for digit in (*g, *w, *r)],
        (0, 8), *[(digit, 4) for digit in (*t, 0, *h, *k, 0, 1, 2, 0)], (0, 24),
    )  # fmt: skip
    data = bytes_of(body)
    check = (digest(data, 0x8810, 0xBA95, 16) ^ 0x6DF1).to_bytes(2, "big")
    return preambled(bytes(byte ^ 0xAA for byte in check + data))


def lacrosse_it(id, temperature_C, humidity, battery_ok) -> np.ndarray:
    t = bcd(tenths(temperature_C) + 400, 3)
    body = fields((9, 4), (id, 6), (0, 2), *[(digit, 4) for digit in t], (1 - battery_ok, 1), (humidity, 7))
    data = bytes_of(body)
    return preambled(data + bytes([crc_of(data, 0x31)]), 4, 2)


def fine_offset_wh24(id, temperature_C, humidity, wind_dir_deg, wind, gust, rain, uv, light, battery_ok) -> np.ndarray:
    raw = tenths(temperature_C) + 400
    data = bytes_of(fields(
        (0x24, 8), (id, 8), (wind_dir_deg & 255, 8), (wind_dir_deg >> 8, 1), (0, 3), (1 - battery_ok, 1), (raw, 11),
        (humidity, 8), (wind, 8), (gust, 8), (rain, 16), (uv, 16), (light, 24),
    ))  # fmt: skip
    data += bytes([crc_of(data, 0x31)])
    return preambled(data + bytes([byte_sum(data)]), 5, 3)


def _wh24_content(rng: np.random.Generator) -> dict:
    values = weather(rng)
    del values["channel"]
    most = {"wind_dir_deg": 360, "wind": 200, "rain": 9000, "gust": 60, "uv": 5000, "light": 900000}
    return values | {name: int(rng.integers(value)) for name, value in most.items()}


def fine_offset_wh31(id, channel, temperature_C, humidity, tail) -> np.ndarray:
    raw = tenths(temperature_C) + 400
    data = bytes_of(fields((0x30, 8), (id, 8), (8 | channel - 1, 4), (raw, 12), (humidity, 8)))
    data += bytes([crc_of(data, 0x31)])
    return preambled(data + bytes([byte_sum(data)]) + tail, 6)


_FOUR_TO_SIX = (0x25, 0x29, 0x32, 0x0E, 0x13, 0x2A, 0x1A, 0x26, 0x34, 0x19, 0x15, 0x31, 0x2C, 0x0B, 0x0D, 0x16)


def danfoss(id, temperature_C, setpoint_C, count, switch) -> np.ndarray:
    """A preamble of 128 bits, nibbles in six bits each, CRC-16."""
    t, s = int(temperature_C * 256), int(setpoint_C * 256)
    body = bytes([2]) + id.to_bytes(2, "big") + bytes([count << 4 | switch, t & 255, t >> 8, s & 255, s >> 8])
    body += crc_of(body, 0x1021, 16).to_bytes(2, "big")
    nibbles = [0xE] + [nibble for byte in body for nibble in (byte >> 4, byte & 15)]
    coded = fields(*[(_FOUR_TO_SIX[nibble], 6) for nibble in nibbles])
    return np.concatenate([bits_of(b"\xaa" * 16), coded])


def _danfoss_content(rng: np.random.Generator) -> dict:
    return {"id": int(rng.integers(1, 1 << 16)), "temperature_C": int(rng.integers(8, 30)) + 0.5,
            "setpoint_C": int(rng.integers(8, 30)) + 0.25, "count": int(rng.integers(16)),
            "switch": int(rng.choice([2, 4, 8]))}  # fmt: skip


def tyre(rng: np.random.Generator) -> dict:
    return {"id": int(rng.integers(1, 1 << 32)), "pressure": int(rng.integers(90, 220)),
            "temperature_C": int(rng.integers(-10, 60)), "status": int(rng.integers(0, 16))}  # fmt: skip


def tpms_toyota(id, pressure, temperature_C, status) -> np.ndarray:
    body = fields((id, 32), (0, 1), (pressure, 8), (temperature_C + 40, 8), (status, 7), (pressure ^ 0xFF, 8))
    data = bytes_of(body)
    line = differential(bits_of(data + bytes([crc_of(data, 0x07, start=0x80)])), zero_changes=True)
    # The last of the sync is high: the first half bit is low.
    halves = 1 - line if line[0] else line
    return np.concatenate([fields((0b01010101001111, 14)), halves, [1 - halves[-1], halves[-1], 1]]).astype(np.uint8)


def behind_long_preamble(data: bytes) -> np.ndarray:
    """55 55 55 56, Manchester, a trailer."""
    return np.concatenate([bits_of(b"\x55\x55\x55\x56"), manchester(bits_of(data), one=(1, 0)), bits_of(b"\x7e")])


def tpms_citroen(id, pressure, temperature_C, status) -> np.ndarray:
    data = id.to_bytes(4, "big") + bytes([status << 4 | 1, pressure, temperature_C + 50, 0x78])
    check = 0
    for byte in data:
        check ^= byte
    return behind_long_preamble(bytes([0xD2]) + data + bytes([check]))


def tpms_ford(id, pressure, temperature_C, status) -> np.ndarray:
    data = id.to_bytes(4, "big") + bytes([pressure, temperature_C + 56, 0x40 | status & 0xC])
    return behind_long_preamble(data + bytes([byte_sum(data)]))


def tpms_renault(id, pressure, temperature_C, status) -> np.ndarray:
    head = fields((0x30 | status & 0xF, 6), (pressure * 2, 10), (temperature_C + 30, 8))
    data = bytes_of(head) + (id & 0xFFFFFF).to_bytes(3, "little") + b"\xff\xff"
    return behind_long_preamble(data + bytes([crc_of(data, 0x07)]))


TYRE = Modem(1e6 / 52, 38e3, tolerance=1e-3)
SLOW = Modem(8065, 40e3, tolerance=3e-4, lead=1.2e-3)
FAST = Modem(17241, 55e3, tolerance=3e-4)


def _tyre_modem(rng: np.random.Generator) -> Modem:
    return Modem(TYRE.symbol_rate, float(rng.uniform(25e3, 45e3)), tolerance=TYRE.tolerance)


def _it_modem(rng: np.random.Generator) -> Modem:
    return Modem(17241, float(rng.choice([45e3, 60e3, 90e3])), tolerance=3e-4)


def _it_content(rng: np.random.Generator) -> dict:
    values = weather(rng, id_bits=6)
    del values["channel"]
    return values


def _six_content(rng: np.random.Generator) -> dict:
    return weather(rng, range(8)) | {"id": int(rng.integers(1, 1 << 32))}


def _seven_content(rng: np.random.Generator) -> dict:
    values = _station(rng)
    del values["battery_ok"]
    return values | {"id": int(rng.integers(1, 1 << 16)), "direction": int(rng.integers(360)),
                     "light": int(rng.integers(200000))}  # fmt: skip


def _wh31_content(rng: np.random.Generator) -> dict:
    values = weather(rng, range(1, 9))
    del values["battery_ok"]
    return values | {"tail": rng.bytes(4)}


LINKS = (
    Link("bresser-5in1", _station, bresser_5in1, SLOW, pause=(10, 14)),
    Link("bresser-6in1", _six_content, bresser_6in1, SLOW, pause=(10, 14)),
    Link("bresser-7in1", _seven_content, bresser_7in1, SLOW, pause=(10, 14)),
    Link("lacrosse-tx29", _it_content, lacrosse_it, _it_modem, pause=(4, 5)),
    Link("lacrosse-tx35", _it_content, lacrosse_it, Modem(9579, 45e3, tolerance=3e-4), pause=(4, 5)),
    Link("fineoffset-wh24", _wh24_content, fine_offset_wh24, FAST, pause=(15, 17)),
    Link("fineoffset-wh31", _wh31_content, fine_offset_wh31, Modem(1e6 / 56, 45e3, tolerance=3e-4), pause=(15, 70)),
    Link("danfoss", _danfoss_content, danfoss, Modem(10e3, 15.5e3, lead=0.0), (1, 3), (0.05, 0.3)),
    Link("tpms-toyota", tyre, tpms_toyota, _tyre_modem, (1, 4), (0.03, 0.12)),
    Link("tpms-citroen", tyre, tpms_citroen, _tyre_modem, (1, 4), (0.03, 0.12)),
    Link("tpms-ford", tyre, tpms_ford, _tyre_modem, (2, 4), (0.03, 0.12)),
    Link("tpms-renault", tyre, tpms_renault, _tyre_modem, (1, 3), (0.03, 0.12)),
)
