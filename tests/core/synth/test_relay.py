# SPDX-License-Identifier: GPL-3.0-or-later
"""Narrow signals that went through a voice radio."""

import numpy as np
import pytest

from wfm_core.synth.scenes.relay import relayed
from wfm_core.synth.signals.catalogue import SIGNALS


def through(label, kind, seconds=0.4, seed=3):
    rng = np.random.default_rng(seed)
    sent = SIGNALS[label][kind](seconds, rng)
    return sent, relayed(label, sent, rng)


@pytest.mark.parametrize(
    ("label", "kind"),
    [("pocsag", "pocsag"), ("packet", "fsk9600"), ("rtty", "baudot"), ("acars", "acars"), ("vor", "vor")],
)
def test_it_lasts_as_long_goes_on_throughout_and_has_power_one(label, kind):
    sent, again = through(label, kind, 1.0)
    assert again is not sent and again.kind == sent.kind
    assert len(again.samples) / again.sample_rate == pytest.approx(len(sent.samples) / sent.sample_rate, rel=1e-3)
    assert np.mean(again.samples == 0) < 0.01
    assert np.mean(np.abs(again.samples) ** 2) == pytest.approx(1, rel=0.02)


def test_fm_keeps_its_envelope_and_carries_the_data():
    sent, again = through("pocsag", "pocsag", 0.3)
    np.testing.assert_allclose(np.abs(again.samples), 1, atol=1e-3)
    up = round(again.sample_rate / sent.sample_rate)
    before = np.angle(sent.samples[1:] * sent.samples[:-1].conj())
    after = np.angle(again.samples[1:] * again.samples[:-1].conj())[::up][: len(before)]
    on = (sent.samples[1:] != 0) & (sent.samples[:-1] != 0)
    both = [np.abs(np.corrcoef(before[on][: -shift or None], after[on][shift:])[0, 1]) for shift in range(8)]
    assert max(both) > 0.7


def test_am_has_a_carrier_all_the_time():
    _, again = through("acars", "acars", 1.0)
    assert np.abs(again.samples.mean()) > 0.7
    np.testing.assert_allclose(again.samples.imag, 0, atol=1e-6)


@pytest.mark.parametrize(("label", "kind"), [("ook", "nexus"), ("ais", "class_a"), ("fm-broadcast", "fm")])
def test_what_no_voice_radio_carries_stays_as_it_is(label, kind):
    sent, again = through(label, kind)
    assert again is sent
