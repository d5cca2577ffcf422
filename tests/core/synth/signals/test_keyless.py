# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyless entry: KeeLoq, frames, the contract of generators."""

import numpy as np
import pytest
import signal_contract

from wfm_core.synth.signals.bits import bits_to_number
from wfm_core.synth.signals.telemetry import KINDS
from wfm_core.synth.signals.telemetry.keyless import hitag2, keeloq, keeloq_durations, keeloq_encrypted


@pytest.mark.parametrize("kind", KINDS["keyless"])
def test_contract(kind):
    signal_contract.check(KINDS["keyless"][kind], kind, 0.25, seed=2)


def test_keeloq_cipher():
    # A known pair of the cipher: plaintext F741E2DB under key 5CEC6701B79FD949.
    assert keeloq_encrypted(0xF741E2DB, 0x5CEC6701B79FD949) == 0xE44F4CDF


def test_keeloq_frame_has_66_bits_with_the_serial_number_after_the_hopping_code():
    frame = keeloq(id=0x0ABCDEF, button=2, counter=7, key=1)
    assert len(frame) == 66
    assert bits_to_number(frame[32:60][::-1]) == 0x0ABCDEF
    assert bits_to_number(frame[60:64][::-1]) == 2


def test_keeloq_durations_of_the_data_sheet():
    durations = keeloq_durations(np.array([1, 0], np.uint8), 400e-6)
    np.testing.assert_allclose(durations[:22], 400e-6)
    np.testing.assert_allclose(durations[23], 4000e-6)
    np.testing.assert_allclose(durations[24:], np.array([1, 2, 2, 1]) * 400e-6)


def test_hitag2_checksum():
    frame = hitag2(id=0x01020304, button=1, counter=2, stream=0xDEADBEEF)
    data = frame[18:].reshape(-1, 8)
    assert (data.sum(0) % 2 == 0).all()
