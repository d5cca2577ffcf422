# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of short range networks, read by receivers that others wrote."""

import numpy as np
import pytest

from wfm_core.synth.signals.short_range import lora, lora_coding


@pytest.mark.slow
def test_softlora_decodes_lora():
    softlora = pytest.importorskip("softlora", reason="softlora is not installed (pip install softlora)")
    rng = np.random.default_rng(2)
    decoded = {"lora": [], "lorawan": []}
    for factor in (7, 8, 9, 10, 11):
        for coding_rate in (1, 2, 3, 4):
            kind = "lorawan" if coding_rate == 1 else "lora"
            payload = lora_coding.lorawan_frame(rng) if coding_rate == 1 else rng.bytes(int(rng.integers(3, 40)))
            word = 0x34 if coding_rate == 1 else 0x12
            values = lora_coding.symbols(payload, factor, coding_rate)
            burst = lora.frame(values, factor, 8, word)
            quiet = np.zeros(20 * 2**factor, np.complex64)
            air = np.concatenate([quiet, burst, quiet])
            air = air + 0.1 * (rng.standard_normal(len(air)) + 1j * rng.standard_normal(len(air)))
            receiver = softlora.LoRaDecoder(factor, 125e3, 500e3, 868e6, sync_word=word, code_rate=coding_rate)
            packet = receiver.decode(air)
            decoded[kind].append(bool(packet.ok) and bytes(packet.payload_bytes) == payload and packet.crc_valid)
    for kind, results in decoded.items():
        print(f"decoded: lora/{kind} by softlora: {sum(results)} of {len(results)}")
        assert sum(results) >= 0.9 * len(results)
