# SPDX-License-Identifier: GPL-3.0-or-later
"""Weather sensors in Manchester and biphase code: Oregon Scientific v1, v2.1, v3, Ambient F007TH, Hideki, WT450 (UPM).

On-off keying at 433.92 MHz, 340 to 1024 bit/s; occupied bandwidth 2 to 25 kHz. Frames as in Oregon Scientific RF
Protocols (Brian, 2011) and rtl_433's decoders (src/devices/{oregon_scientific,oregon_scientific_v1,ambient_weather,
hideki,wt450}.c).
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, bytes_of, manchester, number_bits
from wfm_core.synth.signals.telemetry.checks import (
    crc_of,
    digest,
    even_parity,
    fields,
    nibble_reversed,
    padded,
)  # fmt: skip
from wfm_core.synth.signals.telemetry.distance_sensors import tenths, weather
from wfm_core.synth.signals.telemetry.keyer import Protocol
from wfm_core.synth.signals.telemetry.pulses import joined, repeated, runs, with_gap

HALF = 1 / 2048  # s, of Oregon's 1024 bit/s


def _digits(value: int, count: int) -> list[int]:
    """Decimal digits, the lowest first."""
    return [value // 10**place % 10 for place in range(count)]


def oregon(sensor: int, id, channel, battery_ok, temperature_C, humidity) -> np.ndarray:
    """Bits of a THGR message (v2.1: 0x1D20, v3: 0xF824), each nibble least significant bit first."""
    temperature = abs(tenths(temperature_C))
    data = [sensor >> 12, sensor >> 8 & 15, sensor >> 4 & 15, sensor & 15, channel, id & 15, id >> 4]
    data += [0 if battery_ok else 4, *_digits(temperature, 3), 8 if temperature_C < 0 else 0, *_digits(humidity, 2)]
    data += [0]
    total = sum(data)
    body = nibble_reversed(fields(*[(value, 4) for value in [*data, total & 15, total >> 4 & 15]]))
    return np.concatenate([body, number_bits(crc_of(bytes_of(padded(body[16:])), 0x07), 8)])


def _oregon_v2(content: dict) -> np.ndarray:
    """Preamble of 16 ones and sync, each bit sent as itself inverted and itself (v2.1)."""
    line = np.concatenate([np.ones(16, np.uint8), nibble_reversed(fields((0xA, 4))), oregon(0x1D20, **content)])
    return np.stack([1 - line, line], 1).ravel()


def _pulse_shorter(durations: np.ndarray, by: float) -> np.ndarray:
    """Pulses shorter than they should be, gaps longer: as saturated keying stages have it."""
    return durations + np.where(np.arange(len(durations)) % 2 == 0, -by, by)


def oregon_v2_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    packet = runs(manchester(_oregon_v2(content), one=(1, 0)), HALF)
    return with_gap(repeated(_pulse_shorter(packet, rng.uniform(0, 6e-5)), 2, 0.0108), 1e-3)


def oregon_v3_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    line = np.concatenate([np.ones(24, np.uint8), nibble_reversed(fields((0xA, 4))), oregon(0xF824, **content)])
    line = np.concatenate([line, np.zeros(4, np.uint8)])
    return with_gap(_pulse_shorter(runs(manchester(line, one=(1, 0)), HALF), rng.uniform(0, 6e-5)), 1e-3)


def oregon_v1(id, channel, battery_ok, temperature_C, **_) -> np.ndarray:
    digits = _digits(abs(tenths(temperature_C)), 3)
    flags = (1 - battery_ok) << 3 | (2 if temperature_C < 0 else 0)
    data = [id, (channel - 1) << 2, *digits, flags]
    total = sum(low + 16 * high for low, high in zip(data[::2], data[1::2], strict=True))
    total = (total & 0xFF) + (total >> 8)
    return nibble_reversed(fields(*[(value, 4) for value in [*data, total & 15, total >> 4]]))


def oregon_v1_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """12 ones, a sync of its own timing, 32 bits at 342 bit/s; pulses longer than gaps; once or twice."""
    half = 1465e-6
    preamble = _pulse_shorter(np.full(24, half), -283e-6)
    data = oregon_v1(**content)
    coded = runs(manchester(data, one=(1, 0)), half)
    gap = 5200e-6 if data[0] else 5200e-6 + half
    message = joined(with_gap(preamble, 4200e-6 - 1176e-6), [5780e-6, gap], _pulse_shorter(coded, -283e-6))
    return repeated(message, 1 + int(rng.random() < 0.3), 0.05)


def ambient_f007th(id, channel, battery_ok, temperature_C, humidity) -> np.ndarray:
    raw = tenths(temperature_C * 1.8 + 32) + 400
    body = fields((0x45, 8), (id, 8), (1 - battery_ok, 1), (channel - 1, 3), (raw, 12), (humidity, 8))
    return np.concatenate([body, number_bits(digest(bytes_of(body), 0x98, 0x3E) ^ 0x64, 8)])


def ambient_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """A preamble of zeros with a one at its end, three messages without a gap."""
    message = np.concatenate([fields((1, 12)), ambient_f007th(**content)])
    line = np.concatenate([message] * 3)
    return runs(manchester(line, one=(1, 0)), 488e-6)


def hideki(id, channel, battery_ok, temperature_C, humidity) -> np.ndarray:
    """Ten bytes, least significant bit first, each with its parity bit."""
    temperature = abs(tenths(temperature_C))
    low, middle, high = _digits(temperature, 3)
    flags = (0 if temperature_C < 0 else 8) | battery_ok << 2
    data = [(channel if channel < 4 else channel + 1) << 5 | id & 15, 0xCE, 0x5E, middle << 4 | low, flags << 4 | high]
    data += [humidity // 10 << 4 | humidity % 10, 0xFF]
    check = 0
    for value in data:
        check ^= value
    reflected = bits_of(bytes([*data, check]), lsb_first=True)
    sent = [0xF9, *bytes_of(np.concatenate([reflected, number_bits(crc_of(bytes_of(reflected), 0x07), 8)]))]
    return np.concatenate([fields((value, 8), (even_parity(value), 1)) for value in sent])


def differential(bits: np.ndarray, zero_changes: bool) -> np.ndarray:
    """Half bits of biphase mark (or space) code: a change at each bit's beginning, and in the middle for one kind."""
    changes = np.ones(2 * len(bits), np.uint8)
    changes[1::2] = 1 - bits if zero_changes else bits
    return (np.cumsum(changes) & 1).astype(np.uint8)


def hideki_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    packet = runs(differential(hideki(**content), zero_changes=True), 488e-6)
    return repeated(packet, 3, 0.0545)


def wt450(id, channel, battery_ok, temperature_C, humidity, seq) -> np.ndarray:
    raw = int(round((temperature_C + 50) * 16))
    body = fields((0xC, 4), (id, 4), (channel - 1, 2), (0, 2), (1 - battery_ok, 1), (humidity, 7), (raw, 12), (seq, 2))
    parities = [int(body[0::2].sum()) & 1, int(body[1::2].sum()) & 1]
    return np.concatenate([body, np.array(parities, np.uint8)])


def wt450_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    messages = [runs(differential(wt450(**content, seq=seq), zero_changes=False), 977e-6) for seq in range(3)]
    return joined(*[with_gap(message, 0.0932) for message in messages])


def _wt450_content(rng: np.random.Generator) -> dict:
    content = weather(rng, (1, 2, 3, 4), id_bits=4)
    return content | {"temperature_C": int(rng.integers(-320, 720)) / 16}


def _plain(rng: np.random.Generator) -> dict:
    return weather(rng, id_bits=4)


PROTOCOLS = (
    Protocol("oregon-v1", _plain, oregon_v1_press, tolerance=0.01),
    Protocol("oregon-v2", lambda rng: weather(rng, (1, 2, 4)), oregon_v2_press, tolerance=0.005),
    Protocol("oregon-v3", lambda rng: weather(rng, (1, 2, 3, 4)), oregon_v3_press, tolerance=0.005),
    Protocol("ambient-f007th", lambda rng: weather(rng, range(1, 9)), ambient_press, tolerance=0.005),
    Protocol("hideki", lambda rng: weather(rng, (1, 2, 3, 4), id_bits=4), hideki_press, tolerance=0.005),
    Protocol("wt450", _wt450_content, wt450_press, tolerance=0.005),
)
