# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of one link each: what is said of them against the samples, and how they differ from the probe's."""

import pytest
import torch

from wfm_core.synth.modulation import MODULATIONS
from wfm_core.synth.scenes.devices import SAMPLE_RATE
from wfm_core.synth.scenes.links import FLAWS, LINKS, device, interference, modulation


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


def test_a_device_has_another_set_of_flaws_in_each_window():
    links = device(4, 4096, 1, seeded(5))
    flaws = links.causes["flaws"]
    assert all(len(getattr(flaws, name).unique()) == 4 for name in FLAWS)
    assert torch.equal(links.causes["carrier_offset"], flaws.carrier_offset / SAMPLE_RATE)
    assert len(device(16, 256, 1, seeded(5)).causes["modulation"].unique()) > 2
    again = device(4, 4096, 1, seeded(6)).causes["flaws"]
    assert not set(flaws.carrier_offset.tolist()) & set(again.carrier_offset.tolist())


def test_interference_is_what_the_label_says():
    causes = interference(40, 1024, 1, seeded(7)).causes
    assert torch.equal(torch.isnan(causes["sir_db"]), causes["interference"] == 0)
    assert set(causes["interference"].tolist()) == {0, 1, 2}
