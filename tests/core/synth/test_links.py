# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of one link each: what is said of them against the samples, and how they differ from the probe's."""

import pytest
import torch

from wfm_core.synth.modulation import MODULATIONS
from wfm_core.synth.scenes.devices import SAMPLE_RATE, random_transmitters
from wfm_core.synth.scenes.links import FLAWS, LINKS, TRANSMITTERS, device, interference, modulation
from wfm_core.train.probe.synthetic import DEVICES


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", list(LINKS))
@pytest.mark.parametrize(("samples", "antennas"), [(512, 2), (16384, 1)])
def test_every_kind_has_windows_of_any_shape_by_its_seed(kind, samples, antennas):
    one, again, other = (LINKS[kind](3, samples, antennas, seeded(seed)) for seed in (1, 1, 2))
    assert one.iq.shape == (3, antennas, samples) and one.iq.dtype == torch.complex64
    assert torch.isfinite(torch.view_as_real(one.iq)).all() and one.sample_rate.shape == (3,)
    assert torch.equal(one.iq, again.iq) and not torch.equal(one.iq, other.iq)


def test_the_offset_and_the_snr_of_a_modulation_are_those_of_its_samples():
    links = modulation(60, 8192, 1, seeded(3))
    frequency = torch.fft.fftfreq(8192)
    for row in range(60):
        causes = {name: values[row] for name, values in links.causes.items()}
        if MODULATIONS[causes["modulation"]] in ("am", "ook") and causes["snr_db"] > 10:
            spectrum = torch.fft.fft(links.iq[row, 0]).abs()
            assert abs(frequency[spectrum.argmax()] - causes["carrier_offset"]) < 2e-3, "a carrier there"
        if MODULATIONS[causes["modulation"]] == "qpsk" and causes["snr_db"] > 10:
            spectrum = torch.fft.fft(links.iq[row, 0]).abs().square()
            near = (frequency - causes["carrier_offset"]).abs() < 0.8 / causes["symbol_samples"]
            noise = spectrum[~near].mean() * 8192
            snr_db = 10 * ((spectrum.sum() - noise) / noise).log10()
            assert abs(snr_db - causes["snr_db"]) < 1.5


def test_a_device_has_the_same_flaws_wherever_it_is_met():
    links = [device(40, 256, 1, seeded(seed)).causes for seed in range(5, 12)]
    met = {}
    for causes in links:
        assert torch.equal(causes["carrier_offset"], causes["flaws"].carrier_offset / SAMPLE_RATE)
        for row, which in enumerate(causes["transmitter"].tolist()):
            flaws = tuple(float(getattr(causes["flaws"], name)[row]) for name in FLAWS)
            assert met.setdefault(which, flaws) == flaws
    assert 100 < len(met) <= TRANSMITTERS and len(set(met.values())) == len(met)
    assert len(device(16, 256, 1, seeded(5)).causes["modulation"].unique()) > 2


def test_no_transmitter_of_the_probe_is_among_them():
    taught = device(2000, 64, 1, seeded(7)).causes["carrier_offset"] * SAMPLE_RATE
    asked = [random_transmitters(DEVICES, seeded(2_000 + seed)).carrier_offset for seed in range(3)]
    assert not set(taught.tolist()) & set(torch.cat(asked).tolist())


def test_interference_is_what_the_label_says():
    causes = interference(40, 1024, 1, seeded(7)).causes
    assert torch.equal(torch.isnan(causes["sir_db"]), causes["interference"] == 0)
    assert set(causes["interference"].tolist()) == {0, 1, 2}
