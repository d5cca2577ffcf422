# SPDX-License-Identifier: GPL-3.0-or-later
"""System Fusion, C4FM digital voice of amateurs (Yaesu, Amateur Radio Digital Standards, 2013).

4FSK of 4800 symbols/s, deviation 2700 Hz, root raised cosine 0.2: 9.7 kHz hold 99 % of the power, 12.5 kHz channels of
2 m and 70 cm. Frames of 100 ms: sync, frame information (CRC, Golay, convolutional code, interleaved), and voice with
data (modes 1 and 2), voice or data alone; header and terminator carry call signs.
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, number_bits, random_bits, remainder_code
from wfm_core.synth.signals.content import call_sign
from wfm_core.synth.signals.transmission import Transmission
from wfm_core.synth.signals.voice.four_level import hexadecimal, levels, modulated, over_seconds, overs, true_rate
from wfm_core.synth.signals.voice.pn9 import coded, interleaved, pn9

SYMBOL_RATE = 4800.0
DEVIATION = 2700.0
BANDWIDTH = 9.7e3
SYNC = hexadecimal("D471C9634D")
HEADER, COMMUNICATION, TERMINATOR = 0, 1, 2
MODE_1, DATA, MODE_2, VOICE = 0, 1, 2, 3
_WHITE = pn9("100100111", 4, 160)


def _checked(bits: np.ndarray) -> np.ndarray:
    return np.concatenate([bits, number_bits(crc(bits, 0x1021, 16, final=0xFFFF), 16)])


def information(frame_kind: int, call_mode: int, number: int, total: int, data_kind: int, squelch: int) -> np.ndarray:
    """The 200 bits of the frame information channel."""
    fields = ((frame_kind, 2), (2, 2), (call_mode, 2), (0, 4), (number, 3), (total, 3), (0, 2), (0, 3), (0, 1),
              (data_kind, 2), (squelch > 0, 1), (squelch, 7))  # fmt: skip
    bits = _checked(np.concatenate([number_bits(int(value), size) for value, size in fields]))
    words = np.concatenate([remainder_code(part, 0x475, 11, even=True) for part in bits.reshape(4, 12)])
    return interleaved(coded(words), 5, 2)


def data_channel(data: bytes) -> np.ndarray:
    """Whitened, checked, coded and interleaved: 20 bytes to 360 bits, 10 bytes to 200."""
    bits = bits_of(data)
    return interleaved(coded(_checked(bits ^ _WHITE[: len(bits)])), 9 if len(data) == 20 else 5, 2)


def call_signs(target: str, source: str, down: str, up: str) -> np.ndarray:
    """720 bits of payload of headers and terminators."""
    first = data_channel((target.ljust(10) + source.ljust(10)).encode()).reshape(5, 72)
    second = data_channel((down.ljust(10) + up.ljust(10)).encode()).reshape(5, 72)
    return np.concatenate([first, second], 1).ravel()


def voice_data_2(data: bytes, rng: np.random.Generator) -> np.ndarray:
    """720 bits of voice/data mode 2: five times 40 bits of data channel and 104 of voice (random)."""
    channel = data_channel(data).reshape(5, 40)
    voice = random_bits(5 * 104, rng).reshape(5, 104)
    return np.concatenate([channel, voice], 1).ravel()


def frame(info: np.ndarray, payload: np.ndarray) -> np.ndarray:
    return np.concatenate([SYNC, info, payload])


def call(frames: int, data_kind: int, signs: list[str], squelch: int, rng: np.random.Generator) -> np.ndarray:
    """Header, so many frames, terminator."""
    ends = call_signs(*signs)
    total = 6 if data_kind in (MODE_1, MODE_2) else 1
    pieces = [frame(information(HEADER, 0, 0, total, data_kind, squelch), ends)]
    for number in range(frames):
        turn = number % (total + 1)
        if data_kind == MODE_2:
            text = signs[min(turn, 3)] if turn < 4 else ""
            payload = voice_data_2(text.ljust(10).encode(), rng)
        else:
            payload = random_bits(720, rng)
        pieces.append(frame(information(COMMUNICATION, 0, turn, total, data_kind, squelch), payload))
    return np.concatenate([*pieces, frame(information(TERMINATOR, 0, 0, total, data_kind, squelch), ends)])


def ysf(seconds: float, rng: np.random.Generator) -> Transmission:
    """Overs of stations and repeaters; some radios have the narrow setting of half the deviation."""
    deviation = DEVIATION * rng.uniform(0.88, 1.1) * (0.5 if rng.random() < 0.15 else 1)
    repeater, edge = call_sign(rng), rng.uniform(0.5e-3, 4e-3)
    squelch = int(rng.integers(0, 100)) if rng.random() < 0.2 else 0
    bursts = []
    for _ in range(rng.integers(1, 3)):
        signs = ["*" * 10 if rng.random() < 0.8 else call_sign(rng), call_sign(rng)]
        signs += [repeater, repeater] if rng.random() < 0.6 else ["", ""]
        kind = int(rng.choice([MODE_2, MODE_2, MODE_2, VOICE, MODE_1, DATA]))
        bits = call(int(over_seconds(seconds, rng) / 0.1) + 1, kind, signs, squelch, rng)
        bursts.append(modulated(levels(bits), SYMBOL_RATE, deviation, edge=edge))
    return overs(bursts, true_rate(SYMBOL_RATE, rng), BANDWIDTH, "ysf", seconds, rng)
