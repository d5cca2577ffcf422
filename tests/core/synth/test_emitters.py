# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from wfm_core.synth.emitters import analog, bluetooth, chirp, digital, lora, remote, zigbee
from wfm_core.synth.emitters.bursts import active_start, burst_timeline, frames_in_line

CPU = torch.device("cpu")
EMITTERS = {
    "bluetooth": (bluetooth.bluetooth, bluetooth.RATES),
    "zigbee": (zigbee.zigbee, zigbee.RATES),
    "lora": (lora.lora, lora.RATES),
    "fm": (analog.fm, analog.RATES),
    "am": (analog.am, analog.AM_RATES),
    "remote": (remote.remote, remote.RATES),
    "psk_qam": (digital.psk_qam, digital.RATES),
    "chirp": (chirp.chirp, chirp.RATES),
}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def frequency(x: torch.Tensor) -> torch.Tensor:
    """Cycles per sample from each sample to the next; 0 where either is zero."""
    return torch.angle(x[1:] * x[:-1].conj()) / (2 * torch.pi)


def share_within(x: torch.Tensor, bandwidth: float) -> float:
    spectrum = torch.fft.fft(x * torch.hann_window(len(x))).abs().square()
    return float(spectrum[torch.fft.fftfreq(len(x)).abs() <= bandwidth / 2].sum() / spectrum.sum())


@pytest.mark.parametrize("kind", EMITTERS)
def test_emission_has_unit_power_while_on_and_keeps_to_its_bandwidth(kind):
    emitter, (lowest, highest) = EMITTERS[kind]
    for seed in range(24):
        rate = lowest * (highest / lowest) ** (seed / 23)
        emission = emitter(16384, rate, seeded(seed))
        x = emission.samples
        assert x.shape == (16384,) and x.dtype == torch.complex64
        on = x != 0
        assert float(x[on].abs().square().mean()) == pytest.approx(1, abs=1e-3)
        assert 1 / 260 < emission.bandwidth / rate <= 1.01
        if emission.bandwidth > 8 * rate / 16384:
            assert share_within(x, 1.15 * emission.bandwidth / rate) > 0.9
        assert torch.equal(x, emitter(16384, rate, seeded(seed)).samples)
        assert not torch.equal(x, emitter(16384, rate, seeded(seed + 100)).samples)


@pytest.mark.parametrize("kind", EMITTERS)
def test_a_short_window_holds_part_of_a_burst(kind):
    emitter, (lowest, highest) = EMITTERS[kind]
    shares = []
    for seed in range(60):
        rate = lowest * (highest / lowest) ** (seed / 59)
        shares.append(float((emitter(2048, rate, seeded(seed)).samples != 0).float().mean()))
    assert min(shares) > 0.04
    if kind != "lora":  # whose frames are so long that their ends are seldom seen
        assert (min(shares) < 1) == (kind not in ("fm", "am"))


def test_frames_in_line_against_a_plain_loop():
    length, period = torch.tensor([3, 0, 2, 4]), torch.tensor([5, 2, 3, 9])
    line = frames_in_line(15, length, period)
    expected = [(f, p, p < length[f]) for f in range(4) for p in range(period[f])][:15]
    assert [(int(f), int(p), bool(o)) for f, p, o in zip(line.frame, line.place, line.on, strict=True)] == expected


def test_bursts_last_as_told():
    line = burst_timeline(20000, (64, 256), (10, 40), seeded(1), unit=32)
    assert set((line.length % 32).tolist()) == {0} and 64 <= int(line.length.min()) <= int(line.length.max()) <= 256
    edges = line.on.int().diff().nonzero()[:, 0]
    runs = edges.diff()
    ons = runs[0::2] if not line.on[edges[0]] else runs[1::2]
    offs = runs[1::2] if not line.on[edges[0]] else runs[0::2]
    assert set((ons % 32).tolist()) == {0} and int(offs.min()) >= 10 and int(offs.max()) <= 40


@pytest.mark.parametrize("kind", EMITTERS)
def test_not_even_a_tiny_window_is_silent(kind):
    emitter, (_, highest) = EMITTERS[kind]
    for seed in range(100):
        samples = emitter(128, highest, seeded(seed)).samples
        assert (samples != 0).any() and torch.isfinite(samples.abs()).all()


def test_window_is_placed_where_something_is_sent():
    active = torch.zeros(1000, dtype=torch.bool)
    active[700:708] = True
    starts = [active_start(active, 50, seeded(seed)) for seed in range(50)]
    assert all(active[start : start + 50].sum() >= 4 for start in starts) and len(set(starts)) > 20


def test_zigbee_chips_are_the_table_of_the_standard():
    rows = ["".join(str(int(chip)) for chip in (row > 0)) for row in zigbee.chip_table(CPU)]
    assert rows[0] == "11011001110000110101001000101110"
    assert rows[1] == "11101101100111000011010100100010"
    assert rows[7] == "10011100001101010010001011101101"
    assert rows[8] == "10001100100101100000011101111011"
    assert rows[15] == "11001001011000000111011110111000"


def test_zigbee_frame_begins_with_preamble_delimiter_and_length():
    octets = 20
    length = torch.tensor([(6 + octets) * 64])
    line = frames_in_line(int(length), length, length)
    symbols = zigbee.frame_symbols(line, seeded(2))[::32].tolist()
    assert symbols[:10] == [0] * 8 + [0x7, 0xA]
    assert symbols[10] + 16 * symbols[11] == octets
    assert len(set(symbols[12:])) > 8


def test_zigbee_is_msk_like_and_despreads():
    x = zigbee.zigbee(8192, 16e6, seeded(3)).samples
    on = (x[1:] != 0) & (x[:-1] != 0)
    inner = on[32:] & on[:-32] & torch.roll(on, 16)[32:]
    step = frequency(x)[16:-16][inner] * 16e6
    # O-QPSK with half-sine chips turns by a quarter turn a chip: +-500 kHz, nothing between but at chip edges.
    assert float(((step.abs() - 500e3).abs() < 25e3).float().mean()) > 0.8
    assert float(x[1:][on].abs().std()) < 0.05


def test_bluetooth_access_code_and_header():
    codes = [bluetooth.access_code(seeded(seed)) for seed in range(8)]
    for code in codes:
        assert len(code) == 72
        assert (code[:4] == -code[1:5]).all() and (code[67:71] == -code[68:72]).all()
        last_address_bit, barker = code[61], "".join(str(int(bit)) for bit in code[62:68] > 0)
        assert barker == ("001101" if last_address_bit < 0 else "110010")
    line = bluetooth.slot_timeline(20000, 1.0, seeded(4))
    bits = bluetooth.packet_bits(line, seeded(5))
    starts = ((line.place == 0) & line.on).nonzero()[:, 0]
    starts = starts[starts < 20000 - 200]
    assert len(starts) > 3 and set((starts.diff() % 625).tolist()) == {0}
    packets = torch.stack([bits[start : start + 126] for start in starts.tolist()])
    assert (packets[:, :72] == packets[0, :72]).all(), "one piconet has one access code"
    thirds = packets[:, 72:].view(len(starts), 18, 3)
    assert (thirds == thirds[..., :1]).all() and not (thirds == thirds[0]).all()


def test_bluetooth_deviation_and_hop_raster():
    hops = set()
    for seed in range(12):
        emission = bluetooth.bluetooth(32768, 10e6, seeded(seed))
        x = emission.samples
        assert emission.bandwidth % 1e6 == 0
        steady = x.abs() > 0.9
        steady = steady[1:] & steady[:-1]
        found = frequency(x)[steady] * 10e6
        # Carriers lie on a raster of 1 MHz, symmetric about 0; deviation at most 175 kHz.
        centre = (found + emission.bandwidth / 2) % 1e6 - 0.5e6
        assert float(centre.abs().quantile(0.999)) < 180e3
        hops.add(emission.bandwidth)
    assert len(hops) > 3


def test_lora_frames_have_two_and_a_quarter_down_chirps():
    lengths = []
    for seed in range(60):
        emission = lora.lora(16384, 2e6, seeded(seed))
        bend = frequency(emission.samples).diff()
        slope = float(bend[emission.samples[2:] != 0].abs().median())
        if slope < 1e-5:
            continue  # the slowest chirps bend less than single precision tells
        symbol = emission.bandwidth / 2e6 / slope
        lengths.append(float(((bend + slope).abs() < 0.3 * slope).sum()) / symbol)
    seen = [length for length in lengths if length > 1]
    assert seen and max(seen) < 4.6
    assert sum(abs(length - 2.25) < 0.1 for length in seen) >= len(seen) / 3
    assert sum(length < 0.1 for length in lengths) > 5, "payload alone has none"


@pytest.mark.parametrize("word", lora.SYNC_WORDS)
def test_lora_frame_structure(word):
    place = torch.arange(4 * 10 + 9 + 4 * 30)
    number, quarter = lora.chirp_number(place)
    values = lora.symbol_values(place, 512, word, seeded(6))
    assert (values[:32] == 0).all(), "eight plain up-chirps"
    assert values[32:40:4].tolist() == [8 * (word >> 4), 8 * (word & 15)]
    payload = place >= 49  # 2.25 down-chirps later
    assert quarter[49] == 0 and number[49] == 13
    data = values[payload].view(30, 4)
    assert (data == data[:, :1]).all() and (data[:8] % 4 == 0).all() and (data[8:] % 4 != 0).any()
    assert int(data.min()) >= 0 and int(data.max()) < 512


def test_lora_preamble_dechirps_and_sweeps_its_bandwidth():
    for seed in range(10):
        emission = lora.lora(16384, 1e6, seeded(seed))
        x, width = emission.samples, emission.bandwidth
        on = (x[1:] != 0) & (x[:-1] != 0)
        step = frequency(x)[on] * 1e6
        assert float((step.abs() < 0.52 * width).float().mean()) > 0.98
        # The slope is +-BW^2 / 2^SF for one of the spreading factors.
        slope = float(step.diff().abs().median()) * 1e6
        chips = width**2 / slope
        nearest = 2 ** round(float(torch.tensor(chips).log2()))
        assert 128 <= nearest <= 4096 and chips == pytest.approx(nearest, rel=0.2)


def test_fm_broadcast_carries_its_pilot_within_its_deviation():
    emission = analog.fm(32768, 5e6, seeded(7))
    demodulated = frequency(emission.samples) * 5e6
    assert float(demodulated.abs().max()) <= 75.5e3
    bins = torch.fft.rfftfreq(len(demodulated), 1 / 5e6)
    spectrum = torch.fft.rfft(demodulated * torch.hann_window(len(demodulated))).abs()
    near = (bins > 16.5e3) & (bins < 22e3)
    assert float(bins[near][spectrum[near].argmax()]) == pytest.approx(19e3, abs=160)
    # 9 % of 75 kHz; a Hann window halves a line's level, a sine is two lines.
    level = 4 * float(spectrum[near].max()) / len(demodulated)
    assert level == pytest.approx(0.09 * 75e3, rel=0.15)


def test_narrow_fm_only_where_it_can_be_seen():
    widths = {analog.fm(1024, 1e6, seeded(seed)).bandwidth > 100e3 for seed in range(20)}
    assert widths == {True, False}
    assert all(analog.fm(1024, 5e6, seeded(seed)).bandwidth == 180e3 for seed in range(20))


def test_am_is_a_carrier_with_a_real_envelope():
    x = analog.am(32768, 0.25e6, seeded(8)).samples
    turned = x * (x.mean().conj() / x.mean().abs())
    assert float(turned.imag.abs().max()) < 1e-3 and float(turned.real.min()) > 0.05


def test_remote_codings():
    pwm = remote.frame_chips("pwm", seeded(9))
    assert (pwm[:32] > 0).sum() == 1
    digits = {"".join(str(int(chip)) for chip in digit) for digit in (pwm[32:].view(-1, 4) > 0)}
    assert digits == {"1000", "1110"} and 24 <= len(pwm[32:]) // 4 <= 64
    manchester = remote.frame_chips("manchester", seeded(9))[24:].view(-1, 2)
    assert (manchester.sum(1) == 0).all(), "each bit is half on, half off"
    assert 24 <= len(remote.frame_chips("nrz", seeded(9))) - 24 <= 64


def test_remotes_key_a_carrier_or_shift_its_frequency():
    keyed = shifted = 0
    for seed in range(30):
        x = remote.remote(16384, 0.5e6, seeded(seed)).samples
        on = x.abs() > 0.9
        step = frequency(x)[on[1:] & on[:-1]]
        tones = float(step.std())
        if tones < 1e-5:
            keyed += 1
        else:
            shifted += 1
            assert abs(float(step.max() + step.min())) < 0.1 * float(step.max()), "two tones, symmetric about 0"
    assert keyed > 5 and shifted > 5


def test_sweep_runs_from_edge_to_edge_at_one_slope():
    time = torch.linspace(0, 1000, 100001, dtype=torch.float64)
    speed = chirp.sweep_cycles(time, 1000.0, 0.4).diff() * 100
    assert float(speed[0]) == pytest.approx(-0.2, abs=1e-4) and float(speed[-1]) == pytest.approx(0.2, abs=1e-4)
    x = chirp.chirp(4096, 1e6, seeded(11)).samples
    bend = frequency(x)[x[1:] != 0].diff().abs()
    assert float((bend - bend.median()).abs().quantile(0.8)) < 1e-4


def test_chirps_never_jump_in_phase_within_a_pulse():
    """Beyond a sawtooth's return the frequency moves by its slope alone, in triangles at the turning points too."""
    smooth = 0
    for seed in range(40):
        x = chirp.chirp(8192, 1e6, seeded(seed)).samples
        if (x == 0).any():
            continue
        step = frequency(x)
        bend = (step.diff() + 0.5) % 1 - 0.5
        smooth += float(bend.abs().max()) < 3 * float(bend.abs().median()) + 1e-5
        # Where a sweep returns, its own end and start frequencies are all there is: +-half the width.
        assert float(step.abs().quantile(0.98)) * 1e6 < 0.51 * chirp.chirp(8192, 1e6, seeded(seed)).bandwidth
    assert smooth > 4


def test_psk_qam_is_sometimes_bursty_and_of_many_rates():
    emissions = [digital.psk_qam(16384, 1e6, seeded(seed)) for seed in range(40)]
    bursty = sum(bool((emission.samples == 0).any()) for emission in emissions)
    assert 4 < bursty < 30
    widths = sorted(emission.bandwidth for emission in emissions)
    assert widths[0] < 25e3 and widths[-1] > 400e3
