# SPDX-License-Identifier: GPL-3.0-or-later
"""Every receiver flaw measured at the level that was asked for; rate change keeps tones in place and at level."""

import math

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.channel import impairments
from wfm_core.synth.channel.impairments import apply_frontend, random_frontend
from wfm_core.synth.channel.resample import input_samples, receive_band

COUNT = 4096


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def noise(batch=2, antennas=2, count=COUNT):
    return torch.randn(batch, antennas, count, generator=seeded(), dtype=torch.complex64)


def tone(bin_number, count=COUNT, batch=1, antennas=1):
    turns = bin_number * torch.arange(count, dtype=torch.float64) / count
    return torch.exp(2j * torch.pi * turns).to(torch.complex64).expand(batch, antennas, count)


def decibel(ratio):
    return 10 * torch.log10(torch.as_tensor(ratio))


def lines(x):
    """Power of each FFT bin, a full-scale tone giving 1."""
    return (torch.fft.fft(x) / x.shape[-1]).abs().square()


def test_noise_gives_the_snr():
    x = tone(100, 65536, batch=3, antennas=2) * 0.1
    wanted = torch.tensor([-5.0, 10.0, 30.0])
    added = impairments.add_noise(x, wanted, x.abs().square().mean((1, 2)), seeded()) - x
    measured = decibel(x.abs().square().mean((1, 2)) / added.abs().square().mean((1, 2)))
    assert (measured - wanted).abs().max() < 0.3


def test_carrier_offset_moves_a_tone_of_each_window():
    y = impairments.carrier_offset(tone(10, batch=2), torch.tensor([100.0, -30.0]), torch.tensor([4096.0, 8192.0]))
    assert lines(y).argmax(-1).flatten().tolist() == [110, COUNT - 5]
    late = impairments.carrier_offset(torch.ones(1, 1, 2_000_000, dtype=torch.complex64), 480e3, 1.92e6)
    assert (late[0, 0, ::4] - 1).abs().max() < 1e-4  # no phase error far into a long stretch


def test_phase_noise_has_the_linewidth_and_is_common_to_antennas():
    x = torch.ones(64, 2, COUNT, dtype=torch.complex64)
    y = impairments.phase_noise(x, 50.0, 1e6, seeded())
    assert torch.equal(y[:, 0], y[:, 1])
    steps = torch.angle(y[..., 1:] * y[..., :-1].conj())
    assert steps.square().mean().item() == pytest.approx(2 * math.pi * 50 / 1e6, rel=0.05)


def test_sampling_clock_offset_scales_frequency():
    ppm = 25.0
    y = impairments.sampling_clock_offset(tone(1000), ppm)
    turn = (y * tone(1000).conj())[0, 0, 300:-300].angle()
    measured = (turn[-1] - turn[0]).item() / (2 * math.pi) / (len(turn) - 1)
    assert measured == pytest.approx(1000 / COUNT * ppm * 1e-6, rel=0.02)
    with pytest.raises(WfmError, match="receive_band"):
        impairments.sampling_clock_offset(noise(count=100_000), 25.0)


def image_dbc(gain_db, phase_deg):
    """What the level of a tone's image after iq_imbalance() should be, dB relative to the tone."""
    gain, skew = 10 ** (gain_db / 20), torch.deg2rad(torch.tensor(float(phase_deg)))
    image = 1 + gain**2 - 2 * gain * torch.cos(skew)
    wanted = 1 + gain**2 + 2 * gain * torch.cos(skew)
    return float(10 * torch.log10(image / wanted))


@pytest.mark.parametrize("gain_db, phase_deg", [(0.5, 0.0), (0.0, 3.0), (-1.0, 5.0)])
def test_iq_image_level(gain_db, phase_deg):
    power = lines(impairments.iq_imbalance(tone(100), gain_db, phase_deg))[0, 0]
    measured = decibel(power[-100] / power[100]).item()
    gain, skew = 10 ** (gain_db / 20), math.radians(phase_deg)
    # Small-error rule: image amplitude is half of gain error and skew in quadrature.
    rule = 20 * math.log10(math.hypot((gain - 1) / gain**0.5, skew) / 2)
    assert measured == pytest.approx(rule, abs=0.3)
    assert measured == pytest.approx(image_dbc(gain_db, phase_deg), abs=0.3)


def test_dc_level_per_window_and_antenna():
    wanted = torch.tensor([[-10.0, -20.0], [-30.0, -torch.inf]])
    x = tone(7, batch=2, antennas=2) * 0.3
    power = lines(impairments.dc_offset(x, wanted, 1.0))
    measured = decibel(power[..., 0] / power[..., 7])
    assert (measured - wanted)[:, 0].abs().max() < 0.3 and abs(measured[0, 1] + 20) < 0.3
    assert measured[1, 1] < -100


def test_spur_only_where_asked():
    x = noise(batch=2) * 0.2
    y = impairments.spur(x, torch.tensor([0.25, 0.1]), torch.tensor([-10.0, -torch.inf]))
    added = (y - x)[0]
    assert (decibel(added.abs().square().mean(-1) / x[0].abs().square().mean(-1)) + 10).abs().max() < 0.3
    assert lines(added).argmax(-1).tolist() == [COUNT // 4] * 2
    assert torch.equal(y[1], x[1])


def test_receive_filter_rolls_off():
    shape = lines(impairments.receive_filter(torch.eye(1, COUNT).to(torch.complex64)[None], 0.8, -30.0))[0, 0]
    shape = decibel(shape / shape[0])
    assert shape[: int(0.79 * COUNT / 2)].abs().max() < 0.01
    assert shape[COUNT // 2].item() == pytest.approx(-30, abs=0.3)


def test_agc_level_is_common_to_the_antennas():
    x = noise() * torch.tensor([1.0, 0.1]).view(1, 2, 1)
    y = impairments.agc(x, torch.tensor([-10.0, -40.0]))
    assert (decibel(y.abs().square().mean((1, 2))) - torch.tensor([-10.0, -40.0])).abs().max() < 0.01
    assert torch.allclose(y[:, 1] / y[:, 0], x[:, 1] / x[:, 0], rtol=1e-3)


@pytest.mark.parametrize("bits", [6.0, 8.0, 12.0, 16.0])
def test_quantisation_noise_and_codes(bits):
    x = noise() * 0.1
    y = impairments.quantise(x, bits)
    codes = torch.view_as_real(y) * 2 ** (bits - 1)
    assert torch.equal(codes, codes.round())
    expected = 2 * (2 ** (1 - bits)) ** 2 / 12
    assert decibel((y - x).abs().square().mean() / expected).abs() < 0.3


def test_clipping_and_offset_binary():
    x = noise() * 2
    plain, binary = (torch.view_as_real(impairments.quantise(x, 8.0, kind)) for kind in (False, True))
    assert plain.max() == 127 / 128 and plain.min() == -1
    assert binary.max() == 127.5 / 128 and binary.min() == -127.5 / 128
    codes = binary * 128 + 127.5
    assert torch.equal(codes, codes.round()) and binary.abs().min() == 0.5 / 128


def test_whole_front_end():
    x = noise(64, 3)
    frontend = random_frontend(64, seeded(), antennas=3)
    first, again = (apply_frontend(x, frontend, torch.full((64,), 1.92e6), seeded(9)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == x.shape and torch.isfinite(torch.view_as_real(first)).all()
    assert torch.view_as_real(first).abs().max() <= 1
    level = decibel(first.abs().square().mean((1, 2)))
    assert (level - frontend.level_dbfs).abs().max() < 1  # clipping and few steps cost some tenths
    assert frontend.bits.min() >= 6 and frontend.bits.max() <= 16
    again = random_frontend(64, seeded(), antennas=3)
    assert all(torch.equal(getattr(frontend, name), getattr(again, name)) for name in vars(frontend))


RATES = [
    (30.72e6, 1.92e6, 0.3e6),
    (30.72e6, 1.92e6, 7.001e6),
    (1.92e6, 7.68e6, -1.0e6),
    (15.36e6, 10e6, 1.2345e6),
    (7.68e6, 7.68e6, 0.0),
    (23.04e6, 2.3817e6, -4.4e6),
]


@pytest.mark.parametrize("native, rate, offset", RATES)
def test_receive_band_keeps_frequency_and_level(native, rate, offset):
    needed = input_samples(native, rate, COUNT)
    frequency = offset + 0.21 * min(native, rate)
    if abs(frequency) > 0.45 * native:
        frequency = 0.21 * native
    time = torch.arange(needed, dtype=torch.float64) / native
    x = torch.exp(2j * torch.pi * frequency * time).to(torch.complex64)
    y = receive_band(x, native, rate, offset, COUNT)
    assert y.shape == (COUNT,)
    assert decibel(y.abs().square()).abs().max() < 0.05
    got = torch.angle((y[1:] * y[:-1].conj()).mean()).item() / (2 * math.pi) * rate
    assert got == pytest.approx(frequency - offset, abs=1e-5 * native)


def test_receive_band_removes_what_is_outside():
    needed = input_samples(30.72e6, 1.92e6, COUNT)
    time = torch.arange(needed, dtype=torch.float64) / 30.72e6
    x = torch.exp(2j * torch.pi * 1.0e6 * time).to(torch.complex64)  # just beyond the edge at 0.96 MHz
    assert decibel(receive_band(x, 30.72e6, 1.92e6, 0.0, COUNT).abs().square().max()) < -50
    inside = receive_band(x, 30.72e6, 1.92e6, 0.5e6, COUNT)
    assert decibel(inside.abs().square()).abs().max() < 0.05


def test_receive_band_off_centre_keeps_only_the_part_inside():
    needed = input_samples(7.68e6, 7.68e6, COUNT)
    x = torch.randn(2, needed, generator=seeded(), dtype=torch.complex64)
    y = receive_band(x, 7.68e6, 7.68e6, 3.84e6, COUNT, channel_bandwidth=4.5e6)
    spectrum = lines(y * torch.hann_window(COUNT)).sum(0)
    frequency = torch.fft.fftfreq(COUNT, 1 / 7.68e6)
    inside = (frequency > -3.4e6) & (frequency < -1.6e6)  # the channel's upper half
    assert spectrum[inside].sum() / spectrum.sum() > 0.8
    assert spectrum[frequency > -1.2e6].mean() / spectrum[inside].mean() < 1e-5


def test_receive_band_names_what_is_missing():
    with pytest.raises(WfmError, match="100 samples"):
        receive_band(torch.zeros(100, dtype=torch.complex64), 1.92e6, 1.92e6, 0.0, COUNT)
    with pytest.raises(WfmError, match="rates"):
        input_samples(1.92e6, 0.0, COUNT)
