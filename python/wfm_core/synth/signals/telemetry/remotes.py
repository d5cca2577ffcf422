# SPDX-License-Identifier: GPL-3.0-or-later
"""Remotes of sockets, lamps, blinds, bells and gates with fixed codes: PT2262, EV1527, HT680, KlikAanKlikUit and more.

On-off keying at 27, 315, 318, 390, 433.92 MHz; clocks of encoder chips by a resistor (so 2 to 6 % off); chips of 0.2
to 1 ms, 12 to 66 bits, repeated while the button is held; occupied bandwidth 1 to 30 kHz. Frames by the data sheets of
PT2262 (Princeton), EV1527 (Silvan), HT680 (Holtek), and rtl_433's decoders (src/devices/{generic_remote,chuango,
akhan_100F14,waveman,brennenstuhl_rcs_2044,silvercrest,newkaku,ht680,cardin,somfy_rts,markisol,megacode,regency_fan,
secplus_v1,smoke_gs558,x10_rf,blyss}.c).
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, manchester, number_bits
from wfm_core.synth.signals.telemetry.checks import byte_reversed, byte_sum, fields
from wfm_core.synth.signals.telemetry.keyer import Protocol
from wfm_core.synth.signals.telemetry.pulses import distance_coded, joined, repeated, runs, width_coded, with_gap

US = 1e-6


def _held(rng: np.random.Generator, least: int = 3, most: int = 14) -> int:
    """How often a packet comes while a button is held."""
    return int(rng.integers(least, most + 1))


def learning_code(id: int, cmd: int) -> np.ndarray:
    """EV1527: 20 bits of identity, 4 of keys."""
    return fields((id, 20), (cmd, 4))


def quarter_coded(bits: np.ndarray, unit: float, gap: float) -> np.ndarray:
    """PT2262 and EV1527: one and three units; a sync pulse of one unit and a long gap."""
    return joined(width_coded(bits, (unit, 3 * unit), (3 * unit, unit)), [unit, gap])


def learning_remote(unit: tuple[float, float], gap: float = 31.0):
    def press(content: dict, rng: np.random.Generator) -> np.ndarray:
        te = rng.uniform(*unit)
        return repeated(quarter_coded(learning_code(content["id"], content["cmd"]), te, gap * te), _held(rng))

    return press


def _learning_content(*keys: int):
    return lambda rng: {"id": int(rng.integers(0x1000, 1 << 20)), "cmd": int(rng.choice(keys))}


def tristate(code: str) -> np.ndarray:
    """PT2262: 0, 1 and F (open), two pulses each."""
    return np.array([bit for state in code for bit in {"0": (0, 0), "1": (1, 1), "F": (0, 1)}[state]], np.uint8)


def tristate_remote(unit: tuple[float, float]):
    def press(content: dict, rng: np.random.Generator) -> np.ndarray:
        te = rng.uniform(*unit)
        return repeated(quarter_coded(tristate(content["code"]), te, 31 * te), _held(rng, 3, 20))

    return press


def _tristate_content(rng: np.random.Generator) -> dict:
    return {
        "code": "".join(rng.choice(list("01F"), 8, p=[0.4, 0.2, 0.4]))
        + str(rng.choice(["1000", "0100", "0010", "0001"]))
    }


def _socket_content(rng: np.random.Generator) -> dict:
    """Waveman, Nexa with code wheels: house and unit as 0 and F, then F, and on or off."""
    house, unit = int(rng.integers(16)), int(rng.integers(4))
    switch = "".join("F" if value >> place & 1 else "0" for value in (house, unit) for place in range(4))
    state = str(rng.choice(["F", "0"]))
    return {"id": "ABCDEFGHIJKLMNOP"[house], "channel": 1, "code": switch + "0FF" + state}


def _dip_content(rng: np.random.Generator) -> dict:
    """Brennenstuhl RCS 2044: five switches, one of five rows, on or off; the contact that is closed reads 0."""
    system, row = int(rng.integers(32)), int(rng.integers(5))
    code = "".join("0" if system >> place & 1 else "F" for place in range(4, -1, -1))
    code = code + "".join("0" if place == row else "F" for place in range(5)) + str(rng.choice(["0F", "F0"]))
    return {"id": system, "code": code}


def kaku(id: int, group: int, on: int, unit: int) -> np.ndarray:
    """Self-learning KlikAanKlikUit: each bit as 01 or 10."""
    return manchester(fields((id, 26), (group, 1), (on, 1), (unit, 4)), one=(1, 0))


def kaku_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    te = rng.uniform(245, 275) * US
    packet = joined([te, 10.3 * te], distance_coded(kaku(**content), te, te * 1.1, 5 * te), [te, 40 * te])
    return repeated(packet, _held(rng, 4, 8))


def _kaku_content(rng: np.random.Generator) -> dict:
    return {"id": int(rng.integers(1, 1 << 26)), "group": int(rng.random() < 0.1), "on": int(rng.integers(2)),
            "unit": int(rng.integers(16))}  # fmt: skip


_SILVERCREST = (2, 3, 0, 1, 4, 5, 7, 6, 0xC, 0xD, 0xF, 0xE, 8, 9, 0xB, 0xA)


def silvercrest_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    bits = fields((0x7C26, 16), (content["button"], 8), (_SILVERCREST[content["button"]], 8), (1, 1))
    packet = width_coded(bits, (740 * US, 260 * US), (245 * US, 745 * US))
    return repeated(packet, _held(rng, 4, 10), 8.1e-3 - 745 * US)


def ht680_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """Holtek: a gap and a pulse for each bit, two bits a state; a pilot of 5 bits."""
    bits = np.concatenate([fields((0b10101, 5)), *[fields((value, 2)) for value in content["states"]]])
    te = rng.uniform(230, 260) * US
    packet = width_coded(bits, (2.6 * te, 1.75 * te), (te, 3.4 * te))
    return repeated(packet, _held(rng, 3, 10), 36 * te)


def _ht680_content(rng: np.random.Generator) -> dict:
    states = rng.choice([0, 2, 3], 18)
    for fixed in (4, 5, 10, 13, 16, 17):
        states[fixed] = 2
    return {"states": states.tolist()}


def cardin_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """S466: a pulse of 6.1 ms before 24 bits of 2.1 ms."""
    coded = width_coded(content["bits"], (1400 * US, 700 * US), (725 * US, 1385 * US))
    return repeated(joined(with_gap(coded, 30.5e-3 - 700 * US), [6120 * US, 1385 * US]), _held(rng, 3, 8))


def _cardin_content(rng: np.random.Generator) -> dict:
    bits = rng.integers(0, 2, 24, dtype=np.uint8)
    bits[18:20] = 0
    bits[20:] = number_bits(int(rng.choice([3, 6, 9, 12])), 4)
    return {"bits": bits}


def somfy_rts(address: int, control: int, counter: int, seed: int) -> np.ndarray:
    data = [seed, control << 4, counter >> 8, counter & 255, address & 255, address >> 8 & 255, address >> 16]
    check = 0
    for value in data:
        check ^= value ^ value >> 4
    data[1] |= check & 15
    for place in range(1, 7):
        data[place] ^= data[place - 1]
    return bits_of(bytes(data))


def somfy_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """A wake-up pulse, a frame with two hardware syncs, then repeats with seven."""
    unit = 604 * US
    data = manchester(somfy_rts(**content), one=(0, 1))
    sync = lambda count: np.concatenate([np.tile([1, 1, 1, 1, 0, 0, 0, 0], count), [1] * 8, [0]])  # noqa: E731
    first = runs(np.concatenate([sync(2), data]), unit)
    again = runs(np.concatenate([sync(7), data]), unit)
    more = repeated(with_gap(again, 30.4e-3), _held(rng, 1, 5))
    return joined([16 * unit, 11 * unit], with_gap(first, 30.4e-3), more)


def _somfy_content(rng: np.random.Generator) -> dict:
    return {"address": int(rng.integers(1 << 24)), "control": int(rng.choice([1, 2, 4, 8])),
            "counter": int(rng.integers(1 << 16)), "seed": 0xA0 | int(rng.integers(16))}  # fmt: skip


def markisol_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    data = [content["id"] >> 8, content["id"] & 255, content["control"] << 4 | content["channel"], 0x01]
    data.append((1 - byte_sum(bytes(data))) & 255)
    bits = byte_reversed(bits_of(bytes(data)))
    coded = width_coded(bits, (348 * US, 642 * US), (670 * US, 320 * US))
    return repeated(joined([4886 * US, 2470 * US, 1647 * US, 315 * US], coded), _held(rng, 4, 10), 8e-3)


def megacode_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """24 frames of 6 ms with one pulse of 1 ms: in the first half for a zero, in the second for a one."""
    levels = np.zeros(24 * 6 + 6, np.uint8)
    for place, bit in enumerate(fields((1, 1), (content["facility"], 4), (content["id"], 16), (content["button"], 3))):
        levels[6 * place + (5 if bit else 2)] = 1
    return repeated(runs(levels, 1e-3), _held(rng, 3, 8), 12e-3)


def regency_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """A start pulse, then gap and pulse for each of 20 bits; nibbles lowest bit first; the sum of four last."""
    words = [15 - content["channel"], content["command"], content["value"] & 15, content["value"] >> 4]
    bits = np.concatenate([number_bits(value, 4, True) for value in [*words, sum(words) & 15]])
    gaps = np.where(bits, 375 * US, 880 * US)
    pulses = np.concatenate([[576 * US], np.where(bits, 970 * US, 450 * US)])
    packet = np.stack([pulses, np.append(gaps, 8.5e-3)], 1).ravel()
    return repeated(packet, _held(rng, 5, 11))


def security_plus_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """Chamberlain Security+ 1.0 (US 6980655): 42 digits to base three in two frames, 0.5 ms units, 58 ms between."""
    frames = []
    for first, digits in ((0, content["digits"][:20]), (2, content["digits"][20:])):
        levels = np.concatenate([[0] * (3 - digit) + [1] * (digit + 1) for digit in (first, *digits)])
        frames.append(with_gap(runs(levels, 500 * US), 58e-3))
    return np.tile(joined(*frames), _held(rng, 2, 5))


def smoke_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """Siterwell GS 558 and PT2262-like bells: a wake-up pulse, 11.8 ms, 24 bits, two stop pulses."""
    bits = byte_reversed(fields((content["id"] >> 11 | 3 << 4, 8), (content["id"] >> 3 & 255, 8),
                                ((content["id"] & 7) << 5 | content["unit"], 8)))  # fmt: skip
    bits = np.concatenate([bits[16:], bits[8:16], bits[:8]])
    coded = width_coded(bits, (436 * US, 1299 * US), (1202 * US, 526 * US))
    packet = joined([436 * US, 11764 * US], coded, [434 * US, 434 * US, 434 * US, 434 * US])
    return repeated(packet, 8)


def x10_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    """As infrared remotes of NEC: 9 ms and 4.5 ms, then 32 bits with complements, 5 times."""
    first, second = content["house"] << 4 | content["high"] << 2, content["code"]
    bits = bits_of(bytes([first, first ^ 255, second, second ^ 255]))
    # A one has the long gap here; the fixed bits of rtl_433 are of bits with a long gap as one.
    coded = distance_coded(bits, 562.5 * US, 562.5 * US, 1687.5 * US)
    return repeated(joined([8970 * US, 4480 * US], coded, [562.5 * US, 40e-3]), _held(rng, 4, 6))


def blyss_press(content: dict, rng: np.random.Generator) -> np.ndarray:
    coded = width_coded(content["bits"], (512 * US, 1484 * US), (1508 * US, 488 * US))
    return repeated(joined([5552 * US, 2072 * US], coded), _held(rng, 3, 8), 6964 * US)


def _megacode_content(rng: np.random.Generator) -> dict:
    return {"facility": int(rng.integers(16)), "id": int(rng.integers(1, 1 << 16)), "button": int(rng.integers(1, 4))}


def _regency_content(rng: np.random.Generator) -> dict:
    return {"channel": int(rng.integers(1, 16)), "command": 2, "value": int(rng.integers(1, 8))}


def _markisol_content(rng: np.random.Generator) -> dict:
    return {"id": int(rng.integers(1, 1 << 16)), "channel": int(rng.integers(1, 16)),
            "control": int(rng.choice([1, 5, 12]))}  # fmt: skip


def _x10_content(rng: np.random.Generator) -> dict:
    codes = [0x00, 0x20, 0x10, 0x30, 0x08, 0x18, 0x28, 0x40, 0x50, 0x60]
    return {"house": int(rng.integers(16)), "high": int(rng.integers(2)), "code": int(rng.choice(codes))}


def _smoke_content(rng: np.random.Generator) -> dict:
    return {"id": int(rng.integers(1, 0x7FFF)), "unit": int(rng.integers(1, 31))}


def _ternary_content(rng: np.random.Generator) -> dict:
    return {"digits": rng.integers(0, 3, 40).tolist()}


ALL_KEYS = tuple(range(1, 16))
PROTOCOLS = (
    Protocol("ev1527", _learning_content(*ALL_KEYS), learning_remote((230 * US, 500 * US)), tolerance=0.03),
    Protocol("chuango", _learning_content(1, 2, 4, 5, 7, 8, 10), learning_remote((560 * US, 575 * US))),
    Protocol("akhan", _learning_content(1, 2, 4, 8), learning_remote((310 * US, 335 * US), 33), tolerance=0.01),
    Protocol("pt2262", _tristate_content, tristate_remote((150 * US, 500 * US)), tolerance=0.03),
    Protocol("waveman", _socket_content, tristate_remote((345 * US, 362 * US)), tolerance=0.015),
    Protocol("brennenstuhl", _dip_content, tristate_remote((310 * US, 330 * US)), tolerance=0.015),
    Protocol("kaku", _kaku_content, kaku_press),
    Protocol("silvercrest", lambda rng: {"button": int(rng.integers(16))}, silvercrest_press),
    Protocol("ht680", _ht680_content, ht680_press, tolerance=0.03),
    Protocol("cardin", _cardin_content, cardin_press, tolerance=0.015),
    Protocol("somfy-rts", _somfy_content, somfy_press, tolerance=0.005),
    Protocol("markisol", _markisol_content, markisol_press),
    Protocol("megacode", _megacode_content, megacode_press, tolerance=0.005),
    Protocol("regency-fan", _regency_content, regency_press),
    Protocol("security-plus", _ternary_content, security_plus_press, tolerance=0.004),
    Protocol("gs558", _smoke_content, smoke_press),
    Protocol("x10", _x10_content, x10_press, tolerance=0.01),
    Protocol("blyss", lambda rng: {"bits": rng.integers(0, 2, 33, dtype=np.uint8)}, blyss_press),
)
