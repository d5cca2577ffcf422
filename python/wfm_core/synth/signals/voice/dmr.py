# SPDX-License-Identifier: GPL-3.0-or-later
"""DMR (ETSI TS 102 361-1): base stations, mobile stations on one slot of two, and simplex; voice, data and control.

4FSK of 4800 symbols/s, deviation 1944 Hz of the outer symbols, root raised cosine 0.2: 7.8 kHz hold 99 % of the power,
in 12.5 kHz channels of the 2 m and 70 cm bands. Bursts of 27.5 ms every 60 ms; base stations send both slots and the
common announcement channel between them. Sync words, slot types, link control, embedded signalling and control
blocks are coded; vocoder frames and user data are random.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, number_bits, random_bits
from wfm_core.synth.signals.transmission import Transmission
from wfm_core.synth.signals.voice.dmr_coding import (
    block_product,
    checked_block,
    embedded_link_control,
    golay_20_8,
    hamming_7_4,
    quadratic_residue_16_7,
    reed_solomon_12_9,
    short_link_control,
)
from wfm_core.synth.signals.voice.four_level import (
    PER_SYMBOL,
    hexadecimal,
    levels,
    modulated,
    over_seconds,
    overs,
    true_rate,
    vocoder,
)

SYMBOL_RATE = 4800.0
DEVIATION = 1944.0
BANDWIDTH = 7.8e3
SYNC = {
    "bs_voice": "755FD7DF75F7", "bs_data": "DFF57D75DF5D", "ms_voice": "7F7D5DD57DFD", "ms_data": "D5D7F77FD757",
    "direct1_voice": "5D577F7757FF", "direct1_data": "F7FDD5DDFD55",
    "direct2_voice": "7DFFD5F55D5F", "direct2_data": "D7557F5FF7F5",
}  # fmt: skip
"""TS 102 361-1, 9.1.1."""
VOICE_HEADER, TERMINATOR, CONTROL, DATA_HEADER, HALF_RATE, THREE_QUARTERS, IDLE = 1, 2, 3, 6, 7, 8, 9
IDLE_MESSAGE = bytes.fromhex("FF83DF1732094ED1E7CD8A91")
"""What an idle burst says (D.2)."""
SILENCE = hexadecimal("B9E881526173002A6B")
SLOT_SYMBOLS = 144


def data_burst(payload: np.ndarray, sync: str, colour: int, data_type: int) -> np.ndarray:
    """264 bits: 196 of payload, the slot type and a sync word."""
    slot_type = golay_20_8(np.concatenate([number_bits(colour, 4), number_bits(data_type, 4)]))
    return np.concatenate([payload[:98], slot_type[:10], hexadecimal(SYNC[sync]), slot_type[10:], payload[98:]])


def voice_burst(frames: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """264 bits: three vocoder frames [3, 72] around the 48 bits of sync word or embedded signalling."""
    speech = frames.ravel()
    return np.concatenate([speech[:108], middle, speech[108:]])


def link_control(group: bool, source: int, target: int) -> bytes:
    """The nine bytes of a call's full link control (TS 102 361-2, 7.1.1)."""
    return bytes([0 if group else 3, 0, 0]) + target.to_bytes(3, "big") + source.to_bytes(3, "big")


def link_burst(control: bytes, data_type: int, sync: str, colour: int) -> np.ndarray:
    mask = 0x96 if data_type == VOICE_HEADER else 0x99
    return data_burst(block_product(bits_of(reed_solomon_12_9(control, mask))), sync, colour, data_type)


def superframe(control: bytes, sync: str, colour: int, frames: np.ndarray) -> list[np.ndarray]:
    """Six voice bursts A to F with link control embedded; frames: [18, 72]."""
    embedded = [*embedded_link_control(control), np.zeros(32, np.uint8)]
    bursts = [voice_burst(frames[:3], hexadecimal(SYNC[sync]))]
    for place, (part, first_last) in enumerate(zip(embedded, (1, 3, 3, 2, 0), strict=True), start=1):
        field = np.concatenate([number_bits(colour, 4), np.zeros(1, np.uint8), number_bits(first_last, 2)])
        signalling = quadratic_residue_16_7(field)
        middle = np.concatenate([signalling[:8], part, signalling[8:]])
        bursts.append(voice_burst(frames[3 * place : 3 * place + 3], middle))
    return bursts


def voice_call(superframes: int, side: str, colour: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Bursts of one slot: headers, superframes and a terminator, of one talker."""
    control = link_control(rng.random() < 0.8, int(rng.integers(1, 1 << 24)), int(rng.integers(1, 1 << 24)))
    speech = vocoder(18 * superframes, 72, SILENCE, rng).reshape(superframes, 18, 72)
    bursts = [link_burst(control, VOICE_HEADER, side + "_data", colour)] * int(rng.integers(1, 4))
    for frames in speech:
        bursts += superframe(control, side + "_voice", colour, frames)
    return [*bursts, link_burst(control, TERMINATOR, side + "_data", colour)]


def control_burst(side: str, colour: int, rng: np.random.Generator) -> np.ndarray:
    """A control block (CSBK): preambles, broadcasts, activation and the like."""
    code = int(rng.choice([0x38, 0x3D, 0x19, 0x28, 0x2F, 0x04]))
    data = bytes([0x80 | code, int(rng.choice([0, 0x10, 0x68]))]) + rng.bytes(8)
    return data_burst(block_product(bits_of(checked_block(data, 0xA5A5))), side + "_data", colour, CONTROL)


def data_call(blocks: int, side: str, colour: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Preamble blocks, a data header and blocks of data."""
    bursts = [control_burst(side, colour, rng) for _ in range(rng.integers(0, 8))]
    header = checked_block(rng.bytes(10), 0xCCCC)
    bursts.append(data_burst(block_product(bits_of(header)), side + "_data", colour, DATA_HEADER))
    for _ in range(blocks):
        if rng.random() < 0.5:
            payload, data_type = block_product(bits_of(rng.bytes(12))), HALF_RATE
        else:
            payload, data_type = random_bits(196, rng), THREE_QUARTERS  # its trellis code makes all words likely
        bursts.append(data_burst(payload, side + "_data", colour, data_type))
    return bursts


def idle_burst(colour: int) -> np.ndarray:
    return data_burst(block_product(bits_of(IDLE_MESSAGE)), "bs_data", colour, IDLE)


def announcement(slot: int, busy: bool, first_last: int, part: np.ndarray) -> np.ndarray:
    """24 bits of the common announcement channel (9.1.4): access type, channel, fragment, and 17 bits of payload."""
    head = hamming_7_4(np.array([busy, slot, first_last >> 1, first_last & 1], np.uint8))
    out = np.zeros(24, np.uint8)
    places = np.array([0, 4, 8, 12, 14, 18, 22])
    out[places] = head
    out[np.setdiff1d(np.arange(24), places)] = part
    return out


def _activity(bursts: int, side: str, colour: int, rng: np.random.Generator) -> list[np.ndarray]:
    """At least so many bursts of what a slot of a base station carries."""
    out: list[np.ndarray] = []
    while len(out) < bursts:
        kind = rng.choice(4, p=[0.5, 0.2, 0.15, 0.15])
        if kind == 0:
            out += voice_call(int(rng.integers(1, 3 + bursts // 6)), side, colour, rng)
        elif kind == 1:
            out += [idle_burst(colour)] * int(rng.integers(2, 5 + bursts))
        elif kind == 2:
            out += data_call(int(rng.integers(1, 12)), side, colour, rng)
        else:
            out += [control_burst(side, colour, rng) for _ in range(rng.integers(1, 4 + bursts))]
    return out[int(rng.integers(0, len(out) - bursts + 1)) :][:bursts]


def base_bits(slots: list[list[np.ndarray]], rng: np.random.Generator) -> np.ndarray:
    """The bits of a base station, CACH and bursts of both slots in turn."""
    short = short_link_control(np.concatenate([number_bits(1, 4), random_bits(24, rng)]))
    pieces, place = [], int(rng.integers(0, 4))
    for number, pair in enumerate(zip(*slots, strict=True)):
        for slot, burst in enumerate(pair):
            turn = (place + 2 * number + slot) % 4
            pieces += [announcement(slot, rng.random() < 0.5, (1, 3, 3, 2)[turn], short[turn]), burst]
    return np.concatenate(pieces)


def dmr_base(seconds: float, rng: np.random.Generator) -> Transmission:
    """A repeater or trunking site: continuous, or keyed for a while."""
    rate, colour = true_rate(SYMBOL_RATE, rng), int(rng.integers(0, 16))
    length = seconds + 0.2 if rng.random() < 0.75 else over_seconds(seconds, rng)
    bursts = int(np.ceil(length / 0.06)) + 1
    bits = base_bits([_activity(bursts, "bs", colour, rng) for _ in range(2)], rng)
    burst = modulated(levels(bits), SYMBOL_RATE, DEVIATION * rng.uniform(0.88, 1.12))
    return overs([burst], rate, BANDWIDTH, "dmr", seconds, rng)


def on_one_slot(call: list[np.ndarray], deviation: float, edge: float, rng: np.random.Generator) -> np.ndarray:
    """A mobile station's bursts in every second slot, at PER_SYMBOL samples a symbol."""
    slot = SLOT_SYMBOLS * PER_SYMBOL
    line = np.zeros((2 * len(call) + 1) * slot, np.complex128)
    for place, bits in enumerate(call):
        burst = modulated(levels(bits), SYMBOL_RATE, deviation, edge=edge) * np.exp(2j * np.pi * rng.random())
        line[2 * place * slot : 2 * place * slot + len(burst)] = burst
    return line


def dmr_mobile(seconds: float, rng: np.random.Generator) -> Transmission:
    """Hand-helds: bursts of 27.5 ms every 60 ms, one talker after another, sometimes one on each slot."""
    rate, colour, deviation = true_rate(SYMBOL_RATE, rng), int(rng.integers(0, 16)), DEVIATION * rng.uniform(0.88, 1.12)
    side = str(rng.choice(["ms", "ms", "ms", "direct1", "direct2"]))
    edge = rng.uniform(0.3e-3, 1.2e-3)
    lines = []
    for _ in range(rng.integers(1, 3)):
        frames = max(int(over_seconds(seconds, rng) / 0.06), 1)
        talk = rng.random() < 0.75
        call = voice_call(frames // 6 + 1, side, colour, rng) if talk else data_call(frames // 2, side, colour, rng)
        lines.append(on_one_slot(call, deviation, edge, rng))
    return overs(lines, rate, BANDWIDTH, "dmr", seconds, rng)


def dmr(seconds: float, rng: np.random.Generator) -> Transmission:
    """A base station or hand-helds."""
    return dmr_base(seconds, rng) if rng.random() < 0.5 else dmr_mobile(seconds, rng)
