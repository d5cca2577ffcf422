# SPDX-License-Identifier: GPL-3.0-or-later
"""Weather sensors at 433.92 MHz whose gaps tell the bits: Nexus, Rubicson, Prologue, Alecto, TFA, inFactory, TP11, X10.

Pulses of about 0.5 ms, gaps of 1 to 4 ms, 33 to 40 bits, 3 to 12 times; occupied bandwidth 1 to 20 kHz. Frames as
documented in rtl_433's decoders (src/devices/{nexus,rubicson,prologue,alecto,tfa_twin_plus_30.3049,infactory,
thermopro_tp11,interlogix}.c); none of them is a published standard.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, bytes_of, number_bits
from wfm_core.synth.signals.telemetry.checks import crc_of, digest_reflected, fields, nibble_reversed, nibbles
from wfm_core.synth.signals.telemetry.keyer import Protocol
from wfm_core.synth.signals.telemetry.pulses import distance_coded, joined, repeated

MS = 1e-3


def weather(rng: np.random.Generator, channels=(1, 2, 3), id_bits: int = 8) -> dict:
    """What a thermometer with hygrometer says."""
    return {
        "id": int(rng.integers(1, (1 << id_bits) - 1)),
        "channel": int(rng.choice(channels)),
        "battery_ok": int(rng.random() < 0.9),
        "temperature_C": round(float(rng.uniform(-20, 45)), 1),
        "humidity": int(rng.integers(15, 100)),
    }


def tenths(value: float) -> int:
    return int(round(value * 10))


def nexus(id, channel, battery_ok, temperature_C, humidity) -> np.ndarray:
    flags = battery_ok << 3 | channel - 1
    return fields((id, 8), (flags, 4), (tenths(temperature_C), 12), (15, 4), (humidity, 8))


def rubicson(id, channel, battery_ok, temperature_C, humidity=None) -> np.ndarray:
    head = fields((id, 8), (battery_ok << 3 | channel - 1, 4), (tenths(temperature_C), 12), (15, 4))
    check = crc_of(bytes_of(np.concatenate([head, np.zeros(4, np.uint8)])), 0x31, start=0x6C)
    return np.concatenate([head, number_bits(check, 8)])


def prologue(id, channel, battery_ok, temperature_C, humidity, subtype=9, button=0) -> np.ndarray:
    flags = battery_ok << 3 | button << 2 | channel - 1
    return fields((subtype, 4), (id, 8), (flags, 4), (tenths(temperature_C), 12), (humidity, 8))


def alecto(id, channel, battery_ok, temperature_C, humidity) -> np.ndarray:
    """Fields least significant bit first; the channel is within the id."""
    bcd = humidity // 10 << 4 | humidity % 10
    body = np.concatenate(
        [
            number_bits(id, 8, True),
            number_bits(1 - battery_ok, 4, True),
            number_bits(tenths(temperature_C) & 0xFFF, 12, True),
            number_bits(bcd, 8, True),
        ]
    )
    check = (0xF - int(nibbles(nibble_reversed(body)).sum())) & 0xF
    return np.concatenate([body, number_bits(check, 4, True)])


def tfa_twin_plus(id, channel, battery_ok, temperature_C, humidity) -> np.ndarray:
    temperature = tenths(temperature_C)
    low_first = [
        (id & 0xF, 4), (channel >> 1 | (channel & 1) << 1, 2), (id >> 4, 2), (1 - battery_ok, 4),
        (temperature & 0x1FF, 9), (7 if temperature < 0 else 0, 3), (humidity + 28, 7), (1, 1),
    ]  # fmt: skip
    body = np.concatenate([number_bits(value, width, True) for value, width in low_first])
    check = int(nibbles(nibble_reversed(body)).sum()) & 0xF
    return np.concatenate([body, number_bits(check, 4, True)])


def infactory(id, channel, battery_ok, temperature_C, humidity) -> np.ndarray:
    fahrenheit = tenths(temperature_C * 1.8 + 32 + 90)
    tail = fields((fahrenheit, 12), (humidity // 10, 4), (humidity % 10, 4), (channel, 4))
    flags = fields((1 - battery_ok << 2, 4))
    # The CRC-4 has the channel at its own place; the last digit of the humidity is only added.
    checked = np.concatenate([number_bits(id, 8), tail[-4:], flags, tail[:16]])
    check = crc_of(bytes_of(checked), 0x3, width=4) ^ humidity % 10
    return np.concatenate([number_bits(id, 8), number_bits(check, 4), flags, tail])


def thermopro_tp11(id, temperature_C, **_) -> np.ndarray:
    head = fields((id, 12), (tenths(temperature_C) + 200, 12))
    return np.concatenate([head, bits_of(bytes([digest_reflected(bytes_of(head), 0x51, 0x04)]))])


def _times(rng, least: int, most: int) -> int:
    return int(rng.integers(least, most + 1))


def short_gaps(frame):
    """0.5 ms pulses, gaps of 1 and 2 ms, 4 ms between frames: 10 to 12 of them."""

    def press(content: dict, rng: np.random.Generator) -> np.ndarray:
        pulse = rng.uniform(0.46, 0.53) * MS
        zero, one = rng.uniform(0.95, 1.02) * MS, rng.uniform(1.9, 2.02) * MS
        packet = joined(distance_coded(frame(**content), pulse, zero, one), [pulse, rng.uniform(3.85, 4.05) * MS])
        first = [[rng.uniform(0.36, 0.5) * MS, 3.9 * MS]] if rng.random() < 0.5 else []
        return joined(*first, repeated(packet, _times(rng, 7, 12)))

    return press


def long_gaps(frame, least: int = 6, most: int = 8, pulses_between: int = 1):
    """0.5 ms pulses, gaps of 2 and 4 ms, 9 ms between frames."""

    def press(content: dict, rng: np.random.Generator) -> np.ndarray:
        pulse = rng.uniform(0.43, 0.53) * MS
        coded = distance_coded(frame(**content), pulse, rng.uniform(1.95, 2.05) * MS, rng.uniform(3.9, 4.05) * MS)
        packet = joined(coded, *[[pulse, rng.uniform(8.7, 9.1) * MS]] * pulses_between)
        return joined([pulse, 8.9 * MS], repeated(packet, _times(rng, least, most)))

    return press


def infactory_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    sync = np.tile([1.0 * MS, 1.0 * MS], 4)
    packet = joined(sync, [0.5 * MS, 7.9 * MS], distance_coded(infactory(**content), 0.5 * MS, 2 * MS, 4 * MS))
    return repeated(joined(packet, [0.5 * MS, 16 * MS]), 6)


def thermopro_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    pulse = rng.uniform(0.47, 0.53) * MS
    packet = joined(distance_coded(thermopro_tp11(**content), pulse, 0.5 * MS, 1.5 * MS), [pulse, 3.0 * MS])
    return repeated(packet, _times(rng, 3, 5))


def _prologue_content(rng: np.random.Generator) -> dict:
    return weather(rng) | {"subtype": int(rng.choice([5, 9])), "button": int(rng.random() < 0.2)}


def _alecto_content(rng: np.random.Generator) -> dict:
    content = weather(rng)
    number = content["id"]
    content["channel"] = (number >> 4 & 1) << 1 | number >> 5 & 1
    return content


def _tfa_content(rng: np.random.Generator) -> dict:
    return weather(rng, id_bits=6)


PROTOCOLS = (
    Protocol("nexus", weather, short_gaps(nexus)),
    Protocol("rubicson", lambda rng: weather(rng) | {"humidity": None}, short_gaps(rubicson)),
    Protocol("auriol", lambda rng: weather(rng) | {"humidity": 0}, short_gaps(nexus)),
    Protocol("prologue", _prologue_content, long_gaps(prologue)),
    Protocol("alecto", _alecto_content, long_gaps(alecto, 7, 8)),
    Protocol("tfa-twin-plus", _tfa_content, long_gaps(tfa_twin_plus, 3, 6)),
    Protocol("infactory", weather, infactory_press),
    Protocol("thermopro-tp11", lambda rng: weather(rng, id_bits=12) | {"channel": 1}, thermopro_press),
)
