# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRa's coding from bytes to chirp values: whitening, Hamming code, diagonal interleaving, Gray mapping.

Not published by Semtech; as Tapparel et al., "An Open-Source LoRa Physical Layer Prototype" (2020), and Robyns et al.,
"A Multi-Channel Software Decoder for the LoRa Modulation Scheme" (2018), found it.
"""

from functools import lru_cache

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc


@lru_cache(maxsize=1)
def whitening() -> np.ndarray:
    """uint8 [255]: the register x^8 + x^6 + x^5 + x^4 + 1 from all ones."""
    state, out = 0xFF, []
    for _ in range(255):
        out.append(state)
        new = (state >> 7 ^ state >> 5 ^ state >> 4 ^ state >> 3) & 1
        state = (state << 1 | new) & 0xFF
    return np.array(out, np.uint8)


def payload_crc(payload: bytes) -> int:
    """16 bits: CRC-CCITT of all but the last two bytes, exclusive-or those."""
    body = crc(bits_of(payload[:-2]), 0x1021, 16)
    return body ^ payload[-1] ^ payload[-2] << 8


def header(length: int, coding_rate: int, has_crc: bool) -> list[int]:
    """Five nibbles: length, coding rate and CRC flag, header checksum."""
    high, low, flags = length >> 4, length & 15, coding_rate << 1 | has_crc
    a = [high >> 3 & 1, high >> 2 & 1, high >> 1 & 1, high & 1, low >> 3 & 1, low >> 2 & 1, low >> 1 & 1, low & 1]
    a += [flags >> 3 & 1, flags >> 2 & 1, flags >> 1 & 1, flags & 1]
    c4 = a[0] ^ a[1] ^ a[2] ^ a[3]
    c3 = a[0] ^ a[4] ^ a[5] ^ a[6] ^ a[11]
    c2 = a[1] ^ a[4] ^ a[7] ^ a[8] ^ a[10]
    c1 = a[2] ^ a[5] ^ a[7] ^ a[9] ^ a[10] ^ a[11]
    c0 = a[3] ^ a[6] ^ a[8] ^ a[9] ^ a[10] ^ a[11]
    return [high, low, flags, c4, c3 << 3 | c2 << 2 | c1 << 1 | c0]


def codewords(nibbles: np.ndarray, coding_rate: int) -> np.ndarray:
    """uint8 [n, 4 + coding_rate]: the nibble, lowest bit first, then parity bits."""
    d = np.stack([nibbles >> place & 1 for place in range(4)], 1).astype(np.uint8)
    if coding_rate == 1:
        return np.concatenate([d, d.sum(1, keepdims=True) & 1], 1).astype(np.uint8)
    p = np.stack(
        [
            d[:, 0] ^ d[:, 1] ^ d[:, 2],
            d[:, 1] ^ d[:, 2] ^ d[:, 3],
            d[:, 0] ^ d[:, 1] ^ d[:, 3],
            d[:, 0] ^ d[:, 2] ^ d[:, 3],
        ],
        1,
    )
    return np.concatenate([d, p[:, :coding_rate]], 1)


def interleaved(words: np.ndarray) -> np.ndarray:
    """int64 [4 + coding_rate]: symbols of as many bits as there are codewords."""
    bits, length = words.shape
    column, row = np.mgrid[:length, :bits]
    symbol_bits = words[(column - row - 1) % bits, column]
    return symbol_bits.astype(np.int64) @ (1 << np.arange(bits)[::-1])


def gray_to_binary(values: np.ndarray) -> np.ndarray:
    out, shift = values.copy(), values >> 1
    while shift.any():
        out ^= shift
        shift = shift >> 1
    return out


def symbols(
    payload: bytes,
    spreading_factor: int,
    coding_rate: int,
    explicit: bool = True,
    has_crc: bool = True,
    reduced: bool = False,
) -> np.ndarray:
    """int64: the chirps' values of a frame after its preamble. `reduced`: low data rate optimisation (SF - 2 bits)."""
    data = np.frombuffer(payload, np.uint8) ^ whitening()[: len(payload)]
    nibbles = np.stack([data & 15, data >> 4], 1).ravel().tolist()
    if has_crc:
        value = payload_crc(payload)
        nibbles += [value & 15, value >> 4 & 15, value >> 8 & 15, value >> 12 & 15]
    if explicit:
        nibbles = header(len(payload), coding_rate, has_crc) + nibbles
    # The first block is sent with SF - 2 bits at rate 4/8 (SF 5 and 6: with SF bits).
    small = spreading_factor < 7
    first = spreading_factor if small else spreading_factor - 2
    out = [_block(nibbles[:first], first, 4, 0 if small else 2)]
    size = spreading_factor - 2 if reduced else spreading_factor
    for start in range(first, len(nibbles), size):
        out.append(_block(nibbles[start : start + size], size, coding_rate, 2 if reduced else 0))
    return np.concatenate(out)


def _block(nibbles: list[int], size: int, coding_rate: int, shift: int) -> np.ndarray:
    padded = np.array((nibbles + [0] * size)[:size], np.int64)
    values = gray_to_binary(interleaved(codewords(padded, coding_rate)))
    return (values << shift) + 1


def sync_symbols(word: int) -> tuple[int, int]:
    """The two chirps after the preamble: eight times each nibble of the sync word (0x12 private, 0x34 LoRaWAN)."""
    return 8 * (word >> 4), 8 * (word & 15)


def lorawan_frame(rng: np.random.Generator) -> bytes:
    """A PHY payload of LoRaWAN 1.0.3: join request or accept, data up or down (what is encrypted is random)."""
    kind = rng.choice([0x00, 0x20, 0x40, 0x60, 0x80], p=[0.15, 0.05, 0.55, 0.15, 0.1])
    if kind == 0x00:
        return bytes([kind]) + rng.bytes(8 + 8 + 2 + 4)
    if kind == 0x20:
        return bytes([kind]) + rng.bytes(int(rng.choice([16, 32])))
    head = bytes([kind]) + rng.bytes(4) + bytes([int(rng.choice([0x00, 0x80, 0x20, 0xA0]))])
    count = int(rng.integers(0, 5000)).to_bytes(2, "little")
    return head + count + bytes([int(rng.integers(1, 100))]) + rng.bytes(int(rng.integers(1, 52))) + rng.bytes(4)


def meshtastic_frame(rng: np.random.Generator) -> bytes:
    """Destination, sender, packet number, flags, channel hash, next hop and relay, encrypted data."""
    to = b"\xff\xff\xff\xff" if rng.random() < 0.7 else rng.bytes(4)
    return to + rng.bytes(8) + bytes([0x63, 0x08, 0, 0]) + rng.bytes(int(rng.integers(10, 120)))
