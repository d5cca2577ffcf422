# SPDX-License-Identifier: GPL-3.0-or-later
"""Control links of drones, models and toys on one channel at 2.4 GHz or 900 MHz.

No standard; as makers' data sheets (nRF24L01+, CC2500, A7105, CYRF6936, SX1280) and open firmware (DIY Multiprotocol,
ExpressLRS) have them. Bandwidth that holds 99 % of the power: 0.07 MHz (31 kbit/s) to 2.4 MHz (2 Mbit/s).
"""

import numpy as np

from wfm_core.synth.signals.bits import bits_of, crc, number_bits
from wfm_core.synth.signals.keying import fsk, ramped
from wfm_core.synth.signals.placing import filled
from wfm_core.synth.signals.short_range import lora, lora_coding
from wfm_core.synth.signals.transmission import Transmission, transmission


def enhanced_shockburst(address: bytes, payload: bytes, number: int, acknowledge: bool = True) -> np.ndarray:
    """Bits: preamble, address, 9 bits of control, payload, CRC of 16 bits (nRF24L01+ specification, 7.3)."""
    control = np.concatenate([number_bits(len(payload), 6), number_bits(number & 3, 2), [not acknowledge]])
    body = np.concatenate([bits_of(address), control, bits_of(payload)]).astype(np.uint8)
    preamble = bits_of(b"\xaa" if address[0] & 0x80 else b"\x55")
    return np.concatenate([preamble, body, number_bits(crc(body, 0x1021, 16, 0xFFFF), 16)])


def nrf24(seconds: float, rng: np.random.Generator) -> Transmission:
    """250 kbit/s, 1 or 2 Mbit/s; a packet every few milliseconds, at times with its acknowledgement 130 us later."""
    rate = float(rng.choice([250e3, 1e6, 2e6], p=[0.3, 0.5, 0.2]))
    deviation = (320e3 if rate > 1e6 else 160e3) * rng.uniform(0.85, 1.15)
    link = _Fsk(rate, deviation, 0.5, 8e6 if rate > 1e6 else 4e6, rng)
    address, length = rng.bytes(int(rng.integers(3, 6))), int(rng.choice([5, 9, 10, 15, 16, 32]))
    answered = rng.random() < 0.3
    state = {"number": 0, "payload": rng.bytes(length)}

    def exchange() -> np.ndarray:
        state["number"] += 1
        if rng.random() < 0.3:  # sticks move; otherwise the same is sent again
            state["payload"] = rng.bytes(length)
        sent = link.burst(enhanced_shockburst(address, state["payload"], state["number"], answered), rng)
        if answered and rng.random() < 0.9:
            quiet = np.zeros(int(130e-6 * link.sample_rate), np.complex64)
            answer = link.burst(enhanced_shockburst(address, b"", state["number"]), rng)
            sent = np.concatenate([sent, quiet, answer * np.complex64(10 ** (-rng.exponential(3) / 20))])
        return sent

    return link.periodic(seconds, exchange, rng.choice([1e-3, 2e-3, 4e-3, 5e-3, 8e-3, 10e-3]), "nrf24", rng)


def toy(seconds: float, rng: np.random.Generator) -> Transmission:
    """Trains of about ten equal bursts of 0.2 ms, 0.5 ms apart, then a pause: what cheap cars and drones send."""
    link = _Fsk(1e6, rng.uniform(150e3, 300e3), rng.choice([0.5, 0.7]), 4e6, rng)
    address, length = rng.bytes(5), int(rng.integers(6, 21))
    step, number = rng.choice([0.5e-3, 0.5e-3, 0.8e-3, 1.2e-3]), int(rng.choice([1, 2, 4, 8, 11]))

    def train() -> np.ndarray:
        bits = enhanced_shockburst(address, rng.bytes(length), 0, False)
        pieces = []
        for turn in range(number):
            sent = link.burst(bits, rng)
            pause = step * (1.25 if turn == 0 else 1) * link.sample_rate - len(sent)
            pieces += [sent, np.zeros(max(int(pause), 1), np.complex64)]
        return np.concatenate(pieces[:-1])

    return link.periodic(seconds, train, number * step + rng.choice([4e-3, 6.5e-3, 12e-3]), "toy", rng)


def frsky(seconds: float, rng: np.random.Generator) -> Transmission:
    """CC2500 of receivers' makers: 31 kbit/s (18 bytes) or 70 kbit/s (29 bytes) every 9 ms, telemetry each fourth."""
    rate, deviation, length = ((31.044e3, 19e3, 18), (69.6e3, 38e3, 29))[rng.integers(2)]
    link = _Fsk(rate, deviation * rng.uniform(0.9, 1.1), 0.5, 16 * rate, rng)
    identity = rng.bytes(2)

    def packet() -> np.ndarray:
        content = bytes([length - 1]) + identity + rng.bytes(length - 3)
        check = number_bits(crc(bits_of(content), 0x8005, 16, 0xFFFF), 16)
        # CC2500, 15: preamble, sync word sent twice, packet whitened by PN9, CRC.
        body = np.concatenate([bits_of(content), check]) ^ _pn9(8 * length + 16)
        return link.burst(np.concatenate([bits_of(b"\xaa\xaa\xaa\xaa\xd3\x91\xd3\x91"), body]), rng)

    hops = int(rng.choice([1, 1, 4, 16]))
    return link.periodic(seconds, packet, 9e-3 * hops, "frsky", rng)


def flysky(seconds: float, rng: np.random.Generator) -> Transmission:
    """A7105: 500 kbit/s, 21 or 37 bytes, every 1.5 or 3.85 ms; hops come back to the channel now and then."""
    length, period = ((21, 1.51e-3), (37, 3.85e-3))[rng.integers(2)]
    link = _Fsk(500e3, 186e3 * rng.uniform(0.85, 1.15), 0.5, 2e6, rng)
    identity = rng.bytes(4)

    def packet() -> np.ndarray:
        content = rng.bytes(length)
        check = number_bits(crc(bits_of(content), 0x1021, 16, 0xFFFF), 16)
        return link.burst(np.concatenate([bits_of(b"\xaa\xaa\xaa\xaa" + identity + content), check]), rng)

    return link.periodic(seconds, packet, period * rng.choice([1, 1, 4, 16]), "flysky", rng)


def dsmx(seconds: float, rng: np.random.Generator) -> Transmission:
    """CYRF6936: 1 Mchip/s, a byte is one of 128 codes of 64 chips or its inverse (8DR); 16 bytes each 4 to 22 ms."""
    link = _Fsk(1e6, rng.uniform(220e3, 300e3), 0.5, 4e6, rng)
    codes, start = rng.integers(0, 2, (128, 64)), rng.integers(0, 2, 64)

    def packet() -> np.ndarray:
        values = rng.integers(0, 256, 16 + 1 + 2)
        chips = np.where((values & 128 > 0)[:, None], 1 - codes[values & 127], codes[values & 127]).ravel()
        return link.burst(np.concatenate([np.tile([1, 1, 0, 0], 16), start, start, chips]).astype(np.uint8), rng)

    return link.periodic(seconds, packet, rng.choice([4e-3, 7e-3, 11e-3, 22e-3]), "dsmx", rng)


def express_lrs(seconds: float, rng: np.random.Generator) -> Transmission:
    """ExpressLRS: LoRa of 812.5 kHz at 50 to 500 packets a second (900 MHz: 500 kHz, 25 to 200), implicit header."""
    modes = ((812.5e3, 5, 2e-3), (812.5e3, 6, 4e-3), (812.5e3, 7, 6.67e-3), (812.5e3, 8, 20e-3))
    modes += ((500e3, 6, 5e-3), (500e3, 7, 10e-3), (500e3, 8, 20e-3), (500e3, 9, 40e-3))
    bandwidth, factor, period = modes[rng.integers(len(modes))]
    rate = bandwidth * lora.OVERSAMPLING
    preamble = int(rng.choice([8, 10, 12]))
    levels = 1.0, 10 ** (-rng.exponential(4) / 20)
    telemetry = int(rng.choice([2, 8, 64]))
    state = {"number": 0}

    def packet() -> np.ndarray:
        state["number"] += 1
        values = lora_coding.symbols(rng.bytes(8), factor, int(rng.choice([2, 3])), explicit=False, has_crc=False)
        sent = lora.frame(values, factor, preamble, 0x12) * np.exp(2j * np.pi * rng.random())
        return (ramped(sent, 20) * levels[state["number"] % telemetry == 0]).astype(np.complex64)

    # Frequency hopping leaves a share of the packets on this channel.
    share = rng.choice([1, 1, 4, 20])
    length = len(packet())
    line = filled(round(seconds * rate), packet, lambda: max(period * share * rate - length, 50), rng)
    return transmission(line, rate, (0.99 + 7 / 2**factor) * bandwidth, "express_lrs")


def _pn9(count: int) -> np.ndarray:
    """The CC2500's whitening sequence, x^9 + x^5 + 1 from all ones, bytes with the lowest bit out first."""
    state, out = 0x1FF, np.zeros(count, np.uint8)
    for place in range(0, count, 8):
        out[place : place + 8] = number_bits(state & 255, 8)[: count - place]
        for _ in range(8):
            state = state >> 1 | ((state ^ state >> 5) & 1) << 8
    return out


class _Fsk:
    """One transmitter's tolerances."""

    def __init__(self, rate: float, deviation: float, bandwidth_time, sample_rate: float, rng: np.random.Generator):
        self.rate, self.deviation, self.bandwidth_time = rate, deviation, bandwidth_time
        self.sample_rate = sample_rate
        self.clock = 1 + rng.normal(0, 20e-6)
        self.carrier = rng.normal(0, min(20e3, 0.06 * rate))
        self.lead, self.ramp = rng.uniform(0, 20e-6), rng.uniform(1e-6, 10e-6)

    def burst(self, bits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        x = fsk(2.0 * bits - 1, self.rate * self.clock, self.sample_rate, self.deviation, self.bandwidth_time)
        x = np.concatenate([np.full(int(self.lead * self.sample_rate), x[0]), x])
        turn = self.carrier / self.sample_rate * np.arange(len(x)) + rng.random()
        return (ramped(x, max(int(self.ramp * self.sample_rate), 2)) * np.exp(2j * np.pi * turn)).astype(np.complex64)

    def periodic(self, seconds: float, exchange, period: float, kind: str, rng: np.random.Generator) -> Transmission:
        length = len(exchange())

        def gap() -> float:
            missed = rng.random() < 0.03
            return (period * (1 + missed) + rng.normal(0, 2e-6)) * self.sample_rate - length

        line = filled(round(seconds * self.sample_rate), exchange, gap, rng)
        return transmission(line, self.sample_rate, self.occupied, kind)

    @property
    def occupied(self) -> float:
        """Hz that hold 99 % of the power, as measured for indices 0.3 to 1.3."""
        return 0.7 * self.rate + (2.2 if self.deviation > 0.5 * self.rate else 1.7) * self.deviation
