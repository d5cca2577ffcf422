# SPDX-License-Identifier: GPL-3.0-or-later
"""Weather pictures by APT and navigation satellites: lines, codes, the contract of generators."""

import numpy as np
import pytest
import signal_contract

from wfm_core.synth.signals.satellite import KINDS
from wfm_core.synth.signals.satellite.apt import HIGH, LOW, SYNC_A, lines_of, subcarrier, telemetry_column
from wfm_core.synth.signals.satellite.navigation import ca_code, glonass_code, spread, turning


@pytest.mark.parametrize(("label", "kind"), [(label, kind) for label in ("apt", "gps") for kind in KINDS[label]])
def test_contract(label, kind):
    signal_contract.check(KINDS[label][kind], kind, 0.02 if label == "gps" else 0.6, seed=6, least=0.97)


def test_first_chips_of_is_gps_200():
    first = {1: 0o1440, 2: 0o1620, 19: 0o1633, 32: 0o1712}
    for satellite, chips in first.items():
        assert int("".join(map(str, ca_code(satellite)[:10])), 2) == chips


def test_gold_codes_correlate_as_they_should():
    one, other = (1 - 2.0 * ca_code(satellite) for satellite in (5, 17))
    cross = np.fft.ifft(np.fft.fft(one) * np.conj(np.fft.fft(other))).real.round().astype(int)
    assert set(np.unique(cross)) == {-65, -1, 63}


def test_glonass_code_is_an_m_sequence():
    code = 1 - 2.0 * glonass_code()
    own = np.fft.ifft(np.abs(np.fft.fft(code)) ** 2).real.round().astype(int)
    assert own[0] == 511
    assert set(own[1:]) == {-1}


def test_spread_repeats_its_code_with_signs():
    code = np.array([1, 1, -1, 1], np.float32)
    line = spread(code, 12, 4, 0.0, np.array([1.0, -1.0], np.float32))
    np.testing.assert_array_equal(line, np.concatenate([code, -code, code]))


def test_turning_is_one_frequency():
    turned = turning(1234.5, 1e6, 10000, 0.25)
    np.testing.assert_allclose(turned, 1j * np.exp(2j * np.pi * 1234.5e-6 * np.arange(10000)), atol=1e-5)


def test_apt_line():
    line = lines_of(np.full((3, 909), 0.5), np.zeros((3, 909)), 10, np.zeros(7))
    assert line.shape == (3, 2080)
    np.testing.assert_allclose(line[0, :39], LOW + (HIGH - LOW) * SYNC_A)
    # 1040 Hz in words of 4160 Hz is a period of four.
    assert np.abs(np.fft.rfft(SYNC_A[4:32] - 0.5)).argmax() == 7
    np.testing.assert_array_equal(line[0, 86 : 86 + 909], 0.5)


def test_telemetry_wedges_are_eight_lines_high():
    column = telemetry_column(128, 0, np.full(7, 0.5))
    assert column[0] == pytest.approx(31 / 255)
    assert column[63] == 1.0
    assert (column[72:] == 0.5).all()


def test_subcarrier_is_at_2400_hz():
    tone = subcarrier(np.ones((2, 2080)), 41600.0)
    assert np.fft.rfftfreq(len(tone), 1 / 41600.0)[np.abs(np.fft.rfft(tone)).argmax()] == pytest.approx(2400, abs=1.1)
