# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.short_range import KINDS, lora, lora_coding

SECONDS = {"lora": 0.2}
GENERATORS = [(label, kind) for label, kinds in KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("label", "kind"), GENERATORS)
def test_generators_keep_their_contract(label, kind):
    check_contract(KINDS[label][kind], SECONDS[label])
    check_bandwidth(KINDS[label][kind], SECONDS[label])
    assert KINDS[label][kind](SECONDS[label], np.random.default_rng(3)).kind == kind


def test_lora_whitening_is_the_known_sequence():
    assert lora_coding.whitening()[:8].tolist() == [0xFF, 0xFE, 0xFC, 0xF8, 0xF0, 0xE1, 0xC2, 0x85]


def test_lora_frame_has_the_length_of_the_data_sheet():
    # SX1276, 4.1.1.7: 8 + max(ceil((8 PL - 4 SF + 28 + 16 CRC) / 4 SF) (CR + 4), 0) symbols, explicit header.
    for factor, length, rate in ((7, 20, 1), (9, 33, 4), (12, 5, 2)):
        count = 8 + max(int(np.ceil((8 * length - 4 * factor + 44) / (4 * factor))) * (rate + 4), 0)
        assert len(lora_coding.symbols(bytes(length), factor, rate)) == count


def test_lora_preamble_dechirps_to_one_tone():
    factor, per_chip = 8, 1
    sent = lora.frame(lora_coding.symbols(b"hello", factor, 1), factor, 8, 0x12, per_chip)
    up = np.exp(2j * np.pi * lora.chirps(np.zeros(1), factor, per_chip))
    symbols = sent[: 10 * 256].reshape(10, 256)
    assert np.abs(np.fft.fft(symbols * up.conj())).argmax(1).tolist() == [0] * 8 + [8, 16]
