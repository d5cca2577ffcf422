# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy import signal as dsp
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.bits import bits_to_number
from wfm_core.synth.signals.content import speech
from wfm_core.synth.signals.voice import KINDS, nbfm
from wfm_core.synth.signals.voice.subaudible import dcs_word

FM = KINDS["nbfm"]


@pytest.mark.parametrize("kind", FM)
def test_contract(kind):
    check_contract(FM[kind], 0.4)


@pytest.mark.parametrize("kind", FM)
def test_bandwidth(kind):
    check_bandwidth(FM[kind], 2.0, 0.96, seeds=(0, 1, 2, 3))


def test_published_code_of_digital_squelch():
    """Code 023 is 763813 in hexadecimal, last bit first."""
    assert bits_to_number(dcs_word(0o023)[::-1]) == 0x763813


def test_deviation_stays_within_the_channel():
    rng = np.random.default_rng(0)
    for _ in range(4):
        frequency = nbfm.over(1.0, 2500.0, 24000.0, rng)
        late = frequency[int(0.03 * 24000) :]  # the synthesiser has settled
        assert 100 < np.abs(late).max() <= 2600


def test_carrier_is_bare_before_the_first_word():
    rng = np.random.default_rng(1)
    frequency = nbfm.over(1.0, 2500.0, 24000.0, rng)
    first = dsp.sosfilt(dsp.butter(4, 400, "highpass", fs=24000, output="sos"), frequency)[240:960]
    assert np.abs(first).max() < 0.3 * np.abs(frequency).max()


def test_speech_has_phrases_and_the_spectrum_of_a_voice():
    x = speech(20, 8000, np.random.default_rng(0))
    assert len(x) == 160000 and np.abs(x).max() <= 1
    assert 0.02 < np.mean(x == 0) < 0.5
    f, power = dsp.welch(x, 8000, nperseg=512)
    low, high = power[(f > 200) & (f < 1000)].mean(), power[(f > 2500) & (f < 3500)].mean()
    assert 5 < low / high < 3000
    # Syllables: the envelope changes mostly 1 to 10 times a second.
    envelope = np.abs(dsp.hilbert(x))
    envelope = envelope.reshape(-1, 80).mean(1)
    rates, strength = dsp.welch(envelope - envelope.mean(), 100, nperseg=512)
    assert strength[(rates > 0.5) & (rates < 10)].sum() > 0.6 * strength.sum()
