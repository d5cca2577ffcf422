# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote keyless entry of cars and gates: KeeLoq, ASK and FSK keys with wake-up, Hitag2 frames, passive entry.

315, 433.92, 868.3 MHz. ASK: chips of 100 to 800 us, occupied bandwidth 3 to 60 kHz; FSK: 1 to 10 kbit/s Manchester,
deviation 5 to 50 kHz, 20 to 130 kHz. KeeLoq: Microchip data sheets HCS200/300/301 and AN66x; Ford and Honda: rtl_433
(src/devices/{hcs200,fordremote,hondaremote}.c); Hitag2: the frame that PCF7946 keys send (Garcia et al., Lock It and
Still Lose It, USENIX Security 2016).
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, bytes_of, manchester, number_bits, random_bits
from wfm_core.synth.signals.telemetry.checks import crc_of, fields
from wfm_core.synth.signals.telemetry.keyer import Protocol
from wfm_core.synth.signals.telemetry.phase_sensors import differential
from wfm_core.synth.signals.telemetry.pulses import joined, repeated, runs, width_coded, with_gap
from wfm_core.synth.signals.telemetry.radio import Link, Modem

_NLF = 0x3A5C742E


def keeloq_encrypted(plain: int, key: int) -> int:
    """528 rounds of KeeLoq, 32-bit block, 64-bit key."""
    for turn in range(528):
        chosen = sum((plain >> place & 1) << order for order, place in enumerate((1, 9, 20, 26, 31)))
        bit = plain & 1 ^ plain >> 16 & 1 ^ _NLF >> chosen & 1 ^ key >> (turn & 63) & 1
        plain = plain >> 1 | bit << 31
    return plain


def keeloq(id: int, button: int, counter: int, key: int, low: int = 0, repeat: int = 0) -> np.ndarray:
    """66 bits, least significant first: 32 encrypted, 28 of serial number, 4 of buttons, battery, repeat."""
    hop = keeloq_encrypted(button << 28 | (id & 0x3FF) << 16 | counter, key)
    parts = [(hop, 32), (id, 28), (button, 4), (low, 1), (repeat, 1)]
    return np.concatenate([number_bits(value, width, True) for value, width in parts])


def _keeloq_content(rng: np.random.Generator) -> dict:
    return {"id": int(rng.integers(1, 1 << 28)), "button": int(rng.choice([1, 2, 4, 8])),
            "counter": int(rng.integers(1 << 16)), "key": int(rng.integers(1 << 62)),
            "low": int(rng.random() < 0.1)}  # fmt: skip


def keeloq_durations(bits: np.ndarray, te: float, header: float = 10.0) -> np.ndarray:
    """12 pulses of half duty, a header, then bits of three units: short pulses are ones."""
    preamble = with_gap(np.tile([te, te], 12), (header - 1) * te)
    return joined(preamble, width_coded(bits, (2 * te, te), (te, 2 * te)))


def keeloq_press(te: tuple[float, float], header: float = 10.0, guard: float = 39.0):
    def press(content: dict, rng: np.random.Generator) -> np.ndarray:
        unit = rng.uniform(*te)
        packet = keeloq_durations(keeloq(**content), unit, header)
        return repeated(packet, int(rng.integers(2, 9)), guard * unit)

    return press


def _woken(unit: float, rng: np.random.Generator) -> np.ndarray:
    """Half bits of a wake-up: alternating, or a pattern that repeats, for 10 to 500 ms."""
    count = max(int(np.exp(rng.uniform(np.log(0.01), np.log(0.5))) / unit), 8)
    if rng.random() < 0.6:
        return np.resize([1, 0], count)
    return np.resize(manchester(random_bits(8, rng)), count // 2 * 2)


def ask_key(unit: tuple[float, float]):
    """Wake-up, then frames of Manchester with sync; each press three to six frames."""

    def press(content: dict, rng: np.random.Generator) -> np.ndarray:
        te = float(np.exp(rng.uniform(np.log(unit[0]), np.log(unit[1]))))
        half = manchester(content["bits"], one=content["one"])
        sync = content["sync"]
        wake = with_gap(runs(_woken(te, rng), te), rng.choice([0.0, 4 * te, 10e-3]))
        frame = runs(np.concatenate([[1, 0] * content["preamble"], sync, half]), te)
        return joined(wake, repeated(frame, int(rng.integers(1, 6)), rng.uniform(4 * te, 0.08)))

    return press


def _ask_content(rng: np.random.Generator) -> dict:
    syncs = ([1, 1, 1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1, 0, 0], [1, 1, 1, 0], [])
    return {"bits": random_bits(int(rng.integers(48, 130)), rng), "one": ((1, 0), (0, 1))[rng.integers(2)],
            "sync": list(syncs[rng.integers(len(syncs))]), "preamble": int(rng.integers(2, 24))}  # fmt: skip


def ford_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """A lone pulse; a pulse, eight zeros and a pulse, a pulse; the message, in biphase with 250 us; 52 ms between."""
    half, sync = 250e-6, 3500e-6
    lead = [half, sync, *[2 * half] * 8, half, sync, half, sync]
    body = fields((content["id"], 24), (0x01E4, 16), (content["code"], 24), (content["counter"], 14), (0, 2))
    one = joined([half, 38.4e-3], lead, runs(differential(body, zero_changes=False), half))
    return repeated(one, int(rng.integers(2, 5)), 52e-3)


def hitag2(id: int, button: int, counter: int, stream: int) -> np.ndarray:
    """Sync 0xFFFF 1, identity, button, counter, 32 bits of key stream, checksum."""
    data = bytes_of(fields((id, 32), (button, 4), (counter, 12), (stream, 32)))
    check = 0
    for byte in data:
        check ^= byte
    return np.concatenate([np.ones(16, np.uint8), [0, 1], bits_of(data + bytes([check]))]).astype(np.uint8)


def _hitag_content(rng: np.random.Generator) -> dict:
    return {"id": int(rng.integers(1 << 32)), "button": int(rng.choice([1, 2, 4])),
            "counter": int(rng.integers(4096)), "stream": int(rng.integers(1 << 32))}  # fmt: skip


def hitag2_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    frame = runs(manchester(hitag2(**content), one=(0, 1)), rng.uniform(110e-6, 260e-6))
    return repeated(frame, int(rng.integers(2, 6)), rng.uniform(0.015, 0.08))


PROTOCOLS = (
    Protocol("keeloq", _keeloq_content, keeloq_press((185e-6, 800e-6)), tolerance=0.04, pause=(0.1, 1.5)),
    Protocol("keeloq-gate", _keeloq_content, keeloq_press((390e-6, 430e-6)), tolerance=0.01, pause=(0.1, 1.5)),
    Protocol("keeloq-car", _keeloq_content, keeloq_press((400e-6, 420e-6), 3.0, 1.0), tolerance=0.01),
    Protocol("ask-key", _ask_content, ask_key((90e-6, 500e-6)), tolerance=0.005),
    Protocol("ask-key-fast", _ask_content, ask_key((60e-6, 130e-6)), tolerance=0.005),
    Protocol("ford", lambda rng: {"id": int(rng.integers(1 << 24)), "code": int(rng.integers(1 << 24)),
                                  "counter": int(rng.integers(1 << 14))}, ford_press, tolerance=0.005),
    Protocol("hitag2-ask", _hitag_content, hitag2_press, tolerance=0.005),
)  # fmt: skip


def fsk_key(data: bytes, wake: int, sync: bytes, frames: int, one: tuple[int, int]) -> np.ndarray:
    """Half bits: a wake-up that alternates, then a frame or more without a pause between."""
    lead = np.resize([0, 1], 2 * wake)
    body = manchester(bits_of(sync + data + bytes([crc_of(data, 0x07)])), one=one)
    return np.concatenate([lead, *[np.concatenate([body, lead[:16]])] * frames]).astype(np.uint8)


def _fsk_content(longest: int):
    def draw(rng: np.random.Generator) -> dict:
        syncs = (b"\xff\xfe", b"\x00\x01", b"\x2d\xd4", b"\xfe", b"\x01")
        return {"data": rng.bytes(int(rng.integers(7, 18))), "wake": int(np.exp(rng.uniform(2.5, np.log(longest)))),
                "sync": syncs[rng.integers(len(syncs))], "frames": int(rng.choice([1, 1, 2, 3])),
                "one": ((1, 0), (0, 1))[rng.integers(2)]}  # fmt: skip

    return draw


def _fsk_modem(rng: np.random.Generator) -> Modem:
    return Modem(2 * float(rng.choice([1e3, 1.2e3, 2e3, 2.4e3, 4e3, 5e3, 8e3, 1e4])), float(rng.uniform(5e3, 50e3)))


def honda(data: bytes, wake: int) -> np.ndarray:
    """Alternating at 250 us for a long time, then Manchester."""
    return np.concatenate([np.resize([1, 0], wake), manchester(bits_of(data), one=(1, 0))]).astype(np.uint8)


def keeloq_levels(**content) -> np.ndarray:
    """The pulses of KeeLoq as levels of one unit, for FSK keys."""
    levels = [np.tile([1, 0], 12), np.zeros(9, np.uint8)]
    levels += [np.array([1, 0, 0] if bit else [1, 1, 0], np.uint8) for bit in keeloq(**content)]
    return np.concatenate(levels).astype(np.uint8)


def hitag2_levels(**content) -> np.ndarray:
    return manchester(hitag2(**content), one=(0, 1))


def passive_answer(data: bytes) -> np.ndarray:
    """What a key answers to the car's 125 kHz challenge: short, fast."""
    return manchester(bits_of(b"\xaa\xaa\x01" + data + bytes([crc_of(data, 0x07)])), one=(1, 0))


def _honda_content(rng: np.random.Generator) -> dict:
    return {"data": b"\x0f" + rng.bytes(int(rng.integers(10, 24))), "wake": int(rng.integers(300, 1400))}


def _passive_modem(rng: np.random.Generator) -> Modem:
    return Modem(2 * float(rng.choice([4e3, 5e3, 8e3, 1e4, 2e4])), float(rng.uniform(15e3, 50e3)))


KEELOQ_FSK = Modem(2500, 35e3, tolerance=0.01, lead=0.0)
LINKS = (
    Link("fsk-key", _fsk_content(400), fsk_key, _fsk_modem, (3, 6), (0.05, 0.15), (0.2, 2.0)),
    Link("fsk-key-woken", _fsk_content(2000), fsk_key, _fsk_modem, (1, 3), (0.01, 0.1), (0.2, 2.0)),
    Link("honda", _honda_content, honda, Modem(4000, 45e3, 1.5), (1, 3), (0.02, 0.06), (0.2, 2.0)),
    Link("keeloq-fsk", _keeloq_content, keeloq_levels, KEELOQ_FSK, (2, 6), (0.015, 0.018)),
    Link("hitag2-fsk", _hitag_content, hitag2_levels, Modem(8000, 30e3), (3, 6), (0.03, 0.1), (0.2, 2.0)),
    Link("passive-entry", lambda rng: {"data": rng.bytes(int(rng.integers(6, 16)))}, passive_answer, _passive_modem,
         (1, 6), (0.01, 0.12), (0.1, 1.0)),
)  # fmt: skip
