# SPDX-License-Identifier: GPL-3.0-or-later
"""Weather sensors at 433.92 MHz whose pulse widths tell the bits: Acurite, Fine Offset, LaCrosse, Bresser, Calibeur.

Pulses of 0.2 to 2.2 ms; occupied bandwidth 1 to 40 kHz. Frames as documented in rtl_433's decoders (src/devices/
{acurite,fineoffset,lacrosse,lacrosse_tx141x,bresser_3ch,calibeur}.c).
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, bytes_of, number_bits
from wfm_core.synth.signals.telemetry.checks import (
    byte_sum,
    crc_of,
    digest_reflected,
    even_parity,
    fields,
    nibbles,
)  # fmt: skip
from wfm_core.synth.signals.telemetry.distance_sensors import tenths, weather
from wfm_core.synth.signals.telemetry.keyer import Protocol
from wfm_core.synth.signals.telemetry.pulses import joined, repeated, width_coded

US = 1e-6


def acurite_tower(id, channel, battery_ok, temperature_C, humidity) -> np.ndarray:
    """592TXR: seven bytes, of which the middle four carry even parity, and their sum."""
    raw = tenths(temperature_C) + 1000
    data = [
        {"C": 0, "B": 2, "A": 3}[channel] << 6 | id >> 8,
        id & 0xFF,
        battery_ok << 6 | 4,
        humidity,
        raw >> 7,
        raw & 0x7F,
    ]
    data[2:] = [value | even_parity(value) << 7 for value in data[2:]]
    return bits_of(bytes(data + [byte_sum(bytes(data))]))


def acurite_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    coded = width_coded(acurite_tower(**content), (220 * US, 392 * US), (408 * US, 204 * US))
    packet = joined(np.tile([620 * US, 596 * US], 4), coded, [220 * US, rng.uniform(1.5e-3, 2.2e-3)])
    return repeated(packet, 3)


def acurite_content(rng: np.random.Generator) -> dict:
    return weather(rng, id_bits=14) | {"channel": str(rng.choice(["A", "B", "C"]))}


def fine_offset_wh2(id, temperature_C, humidity, **_) -> np.ndarray:
    raw = abs(tenths(temperature_C)) | (0x800 if temperature_C < 0 else 0)
    body = fields((4, 4), (id, 8), (raw, 12), (humidity, 8))
    return np.concatenate([np.ones(8, np.uint8), body, number_bits(crc_of(bytes_of(body), 0x31), 8)])


def wh2_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    # A short pulse is a one.
    packet = width_coded(fine_offset_wh2(**content), (1500 * US, 1020 * US), (510 * US, 1020 * US))
    return repeated(packet, 1 + int(rng.random() < 0.5), 0.03)


def lacrosse_tx(id, temperature_C, **_) -> np.ndarray:
    """Eleven nibbles: temperature plus 50 in decimal digits, the two higher ones said twice."""
    raw = tenths(temperature_C + 50)
    digits = [raw // 100, raw // 10 % 10, raw % 10]
    parity = even_parity(digits[0] << 8 | digits[1] << 4 | digits[2])
    head = fields((0, 4), (10, 4), (0, 4), (id, 7), (parity, 1), *[(digit, 4) for digit in digits + digits[:2]])
    return np.concatenate([head, number_bits(int(nibbles(head).sum()) & 15, 4)])


def lacrosse_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    packet = width_coded(lacrosse_tx(**content), (1350 * US, 1050 * US), (540 * US, 1050 * US))
    return repeated(packet, 2, 0.028)


def lacrosse_tx141(id, channel, battery_ok, temperature_C, humidity) -> np.ndarray:
    body = fields((id, 8), (1 - battery_ok << 3 | channel, 4), (tenths(temperature_C) + 500, 12), (humidity, 8))
    return np.concatenate([body, number_bits(digest_reflected(bytes_of(body), 0x31, 0xF4), 8)])


def bresser_3ch(id, channel, battery_ok, temperature_C, humidity) -> np.ndarray:
    raw = tenths(temperature_C * 1.8 + 32 + 90)
    body = fields((id, 8), (1 - battery_ok << 3 | channel, 4), (raw, 12), (humidity, 8))
    return np.concatenate([body, number_bits(byte_sum(bytes_of(body)), 8)])


def four_syncs(frame, sync: float, short: float, long: float, least: int, most: int):
    """Four pulses of the length of their gaps, then the bits: long pulses are ones."""

    def press(content: dict, rng: np.random.Generator) -> np.ndarray:
        packet = joined(np.tile([sync, sync], 4), width_coded(frame(**content), (short, long), (long, short)))
        return joined(repeated(packet, int(rng.integers(least, most + 1))), np.tile([sync, sync], 2))

    return press


def calibeur_rf104(id, temperature_C, humidity, **_) -> np.ndarray:
    whole = int(np.floor(temperature_C)) + 41
    fraction = tenths(temperature_C) - 10 * int(np.floor(temperature_C)) + 10 * id
    low = lambda value, *places: [value >> place & 1 for place in places]  # noqa: E731
    bits = low(fraction, 0, 1, 2, 3, 4, 5) + low(whole, 4, 5, 0, 1, 2, 3, 6)
    rest = low(humidity, 5, 6, 0, 1, 2, 3, 4)
    return np.array([*bits, (sum(bits) + sum(rest) + 1) & 1, *rest], np.uint8)


def calibeur_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    coded = width_coded(calibeur_rf104(**content), (740 * US, 2200 * US), (2200 * US, 740 * US))
    return repeated(joined([1470 * US, 1470 * US], coded), 5)


PROTOCOLS = (
    Protocol("acurite-tower", acurite_content, acurite_press),
    Protocol("fineoffset-wh2", weather, wh2_press),
    Protocol("lacrosse-tx", lambda rng: weather(rng, id_bits=7), lacrosse_press),
    Protocol(
        "lacrosse-tx141", lambda rng: weather(rng, (0, 1, 2)),
        four_syncs(lacrosse_tx141, 833 * US, 208 * US, 417 * US, 7, 12),
    ),
    Protocol("bresser-3ch", weather, four_syncs(bresser_3ch, 750 * US, 250 * US, 500 * US, 10, 15)),
    Protocol("calibeur", lambda rng: weather(rng) | {"id": int(rng.integers(1, 4))}, calibeur_press),
)  # fmt: skip
