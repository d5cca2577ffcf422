# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmitters of one make: what is heard of them has their flaws, and nothing else tells them apart."""

from dataclasses import fields, replace

import pytest
import torch

from wfm_core.synth.channel.frontend import random_frontend
from wfm_core.synth.fleet import MAKES, on_another_day, random_devices, random_episode
from wfm_core.synth.fleet.chain import send
from wfm_core.synth.fleet.flaws import Devices
from wfm_core.synth.fleet.hearing import heard


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def without_flaws(count: int = 1) -> Devices:
    """Devices as their maker meant them."""
    none = {field.name: torch.zeros(count) for field in fields(Devices)}
    none |= {"leakage_dbc": torch.full((count,), -torch.inf), "rise": torch.full((count,), 1e-6)}
    none |= {name: torch.zeros(count, dtype=torch.complex64) for name in ("memory", "ripple")}
    return Devices(**none)


def sent(devices: Devices, make: str = "16qam", samples: int = 16384) -> tuple[torch.Tensor, torch.Tensor]:
    """What was meant and what leaves the antenna, of the same payload; without the stray of the carrier."""
    generator = seeded()
    meant = MAKES[make].sent(samples, 0.0, generator)[None]
    still = replace(MAKES[make], center_freq=0.0)
    return meant, send(meant, devices, still, generator)


@pytest.mark.parametrize("make", MAKES)
def test_an_episode_has_windows_of_each_device_on_each_day(make):
    episode = random_episode(make, seeded(), devices=3, windows=2, days=2, samples=4096)
    assert episode.windows.shape == (12, 1, 4096) and episode.windows.dtype == torch.complex64
    assert episode.device.tolist() == [0, 1, 2] * 4
    assert episode.day.tolist() == [0] * 6 + [1] * 6
    assert torch.view_as_real(episode.windows).abs().max() <= 1
    level = 10 * episode.windows.abs().square().mean((1, 2)).log10()
    assert ((level > -34) & (level < -8)).all()


def test_the_same_seed_gives_the_same_episode():
    one, other = (random_episode("qpsk", seeded(3), 2, 1, 1, 4096) for _ in range(2))
    assert torch.equal(one.windows, other.windows)


def test_a_device_without_flaws_sends_what_was_meant():
    meant, left = sent(without_flaws())
    assert (left - meant).abs().max() < 1e-3


def test_carrier_leakage_has_the_power_that_is_stated():
    flawed = replace(without_flaws(), leakage_dbc=torch.tensor([-20.0]))
    meant, left = sent(flawed)
    assert 10 * (left - meant).abs().square().mean().log10() == pytest.approx(-20.0, abs=0.2)


def test_iq_imbalance_leaves_the_image_that_it_should():
    gain = torch.tensor([0.5])
    meant, left = sent(replace(without_flaws(), iq_gain_db=gain))
    image = (left * meant).mean() / meant.abs().square().mean() - (meant * meant).mean()
    assert float(image.abs()) == pytest.approx(float(10 ** (gain / 20) - 1) / 2, rel=0.1)


def test_compression_takes_what_is_stated_from_the_mean_amplitude():
    meant, left = sent(replace(without_flaws(), compression=torch.tensor([0.1])))
    at_one = (meant.abs() - 1).abs() < 0.02
    assert float((left.abs() / meant.abs())[at_one].mean()) == pytest.approx(0.9, abs=0.005)


def test_a_burst_rises_with_its_time_constant():
    meant, left = sent(replace(without_flaws(), rise=torch.ones(1)), "ble", 65536)
    on = meant[0] != 0
    begins = (on & ~on.roll(1)).nonzero().flatten()
    begins = begins[(begins > 0) & (begins < 60000)]
    constant = int(MAKES["ble"].rise * MAKES["ble"].sample_rate)
    share = (left.abs() / meant.abs().clamp(min=1e-9))[0][begins + constant]
    assert len(begins) > 3
    assert float(share.median()) == pytest.approx(1 - 2.718**-1, abs=0.02)


def test_nothing_is_sent_while_it_is_off():
    meant, left = sent(random_devices(1, seeded()), "ook")
    assert (meant == 0).any() and (left[meant == 0] == 0).all()


def test_the_carrier_is_off_by_the_crystals_error():
    make = MAKES["ook"]
    devices = replace(without_flaws(), crystal=torch.tensor([1.0]))
    meant = make.sent(16384, 0.0, seeded())[None]
    left = send(meant, devices, make, seeded())
    together = (left * meant.conj())[0]
    turn = (together[1:] * together[:-1].conj()).sum().angle() / (2 * torch.pi)
    wanted = make.tolerance_ppm * 1e-6 * make.center_freq / make.sample_rate
    assert float(turn) == pytest.approx(wanted, rel=0.1)


def test_another_day_changes_less_than_another_device():
    devices = random_devices(400, seeded())
    later = on_another_day(devices, seeded(2))
    for name in ("crystal", "iq_gain_db", "iq_phase_deg", "leakage_dbc", "compression"):
        here, there = getattr(devices, name), getattr(later, name)
        assert 0 < (there - here).std() < 0.2 * here.std()


def test_without_its_offset_a_carrier_is_anywhere():
    make = replace(MAKES["ook"], linewidth=1e-9)
    devices = replace(without_flaws(24), linewidth=torch.full((24,), 1e-9))
    receiver = random_frontend(1, seeded())
    windows = heard(devices, make, receiver, 4096, (40.0, 40.0), False, seeded())[:, 0]
    strongest = torch.fft.fftfreq(4096)[torch.fft.fft(windows).abs().argmax(1)]
    within = 2 * make.tolerance_ppm * 1e-6 * make.center_freq / make.sample_rate
    assert strongest.std() > 0.3 * within and strongest.abs().max() < 1.3 * within
