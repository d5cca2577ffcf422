# SPDX-License-Identifier: GPL-3.0-or-later
"""5G NR and WiFi waveforms against their standards: sequences, places, prefixes, and printed sample values."""

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.synth.emitters.cellular import dsss, lte
from wfm_core.synth.emitters.nr import NrCarrier, nr, nr_waveform
from wfm_core.synth.emitters.nr_signals import pss, sss, synchronisation_block
from wfm_core.synth.emitters.wifi import burst, wifi


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def power(x):
    return float(x.abs().square().mean())


def test_nr_pss_is_the_shifted_m_sequence_of_the_standard():
    # TS 38.211 7.4.2.2.1: x(0..6) = 0, 1, 1, 0, 1, 1, 1.
    assert pss(0)[:7].tolist() == [1, -1, -1, 1, -1, -1, -1]
    assert torch.equal(pss(2)[:41], pss(0)[86:]) and torch.equal(pss(1)[:84], pss(0)[43:])
    correlation = torch.fft.ifft(torch.fft.fft(pss(0)).abs().square()).real
    assert torch.allclose(correlation[1:], torch.tensor(-1.0), atol=1e-3)


def test_nr_sss_are_1008_different_gold_sequences():
    table = torch.stack([sss(nid1, nid2) for nid2 in range(3) for nid1 in range(336)])
    products = table @ table.T
    assert int((products == 127).sum()) == 1008  # each with itself only
    assert set(products.unique().int().tolist()) <= {-17, -1, 15, 127}


@pytest.mark.parametrize("cell_id", [0, 501, 1007])
def test_nr_block_has_the_elements_of_table_7_4_3_1_1(cell_id):
    payload = torch.full((576,), 5.0 + 0j)
    block = synchronisation_block(cell_id, 1, payload)
    filled = block != 0
    assert filled.sum(1).tolist() == [127, 240, 127 + 96, 240]
    assert filled[0, 56:183].all() and filled[2, 56:183].all() and not filled[2, 48:56].any()
    assert int((block == 5).sum()) == 432
    columns = ((block != 5) & (torch.arange(4) % 2 == 1)[:, None])[1].nonzero().flatten()
    assert columns.tolist() == list(range(cell_id % 4, 240, 4))


@pytest.mark.parametrize(("spacing", "n_rb"), [(15, 52), (30, 51)])
def test_nr_synchronisation_is_where_the_standard_puts_it(spacing, n_rb):
    carrier = NrCarrier(spacing=spacing, n_rb=n_rb, cell_id=700, load=0.0, blocks=2, block_offset=37)
    sent = nr_waveform(carrier, 2, 0, seeded())
    # 5.3.1 in units of 1 / 30.72 MHz: prefixes of 144 / mu, 16 more every half millisecond.
    fine = 30.72e6 / carrier.sample_rate
    size = round(fine * carrier.fft_size)
    for symbol in (2, 8):
        longer = 1 + (symbol >= 7 * spacing // 15)
        begin = symbol * size + (symbol + 1) * 144 * 15 // spacing + 16 * longer
        begin = round(begin / fine)
        values = torch.fft.fft(sent[begin : begin + carrier.fft_size])
        middle = 12 * n_rb // 2
        columns = (torch.arange(56, 183) + carrier.block_offset - middle) % carrier.fft_size
        got = values[columns] * pss(700 % 3)
        assert torch.allclose(got, got.mean(), atol=1e-3 * float(got.mean().abs())), symbol
        rest = torch.ones(carrier.fft_size, dtype=torch.bool)
        rest[columns] = False
        assert values[rest].abs().max() < 1e-3 * got.abs().mean()


def test_nr_prefixes_repeat_the_ends_of_symbols():
    carrier = NrCarrier(spacing=15, n_rb=106, load=1.0)
    sent = nr_waveform(carrier, 1, 3, seeded())
    begin = 0
    for symbol in range(14):
        prefix = 160 if symbol in (0, 7) else 144
        assert torch.allclose(sent[begin : begin + prefix], sent[begin + 2048 : begin + 2048 + prefix], atol=1e-5)
        begin += prefix + 2048
    assert begin == len(sent)


def test_nr_load_fills_and_time_division_silences():
    full = nr_waveform(NrCarrier(n_rb=25, load=1.0, control_load=1.0), 4, 3, seeded())
    assert power(full) == pytest.approx(1.0, abs=0.03)
    idle = nr_waveform(NrCarrier(n_rb=25, load=0.0, control_load=0.0), 4, 3, seeded())
    assert 0 < power(idle) < 0.1
    slots = nr_waveform(NrCarrier(n_rb=25, pattern="DDDSU"), 5, 0, seeded()).unflatten(0, (5, -1))
    assert (slots[4] == 0).all() and (slots[3, -4 * 512 :] == 0).all() and (slots[3, : 9 * 512].abs() > 0).all()


def test_nr_carrier_refuses_what_the_standard_has_not():
    with pytest.raises(WfmError, match="30 kHz and 52"):
        NrCarrier(spacing=30, n_rb=52)


def test_wifi_preamble_has_the_printed_sample_values():
    sent = burst(3, 2, seeded())
    ours = sent / (64 / 52**0.5)  # the standard's example scales by 1 / 64
    # IEEE 802.11-2016 annex I, tables of the short and the long training sequence.
    short = torch.tensor([0.046 + 0.046j, -0.132 + 0.002j, -0.013 - 0.079j, 0.143 - 0.013j, 0.092 + 0.000j])
    long = torch.tensor([0.156 + 0.000j, -0.005 - 0.120j, 0.040 - 0.111j, 0.097 + 0.083j, 0.021 + 0.028j])
    assert torch.allclose(ours[:5], short, atol=8e-4)
    assert torch.allclose(ours[192:197], long, atol=8e-4)
    assert torch.equal(sent[:144], sent[16:160])
    assert torch.equal(sent[160:192], sent[224:256]) and torch.equal(sent[192:256], sent[256:320])


def test_wifi_symbols_carry_pilots_and_silence_at_the_centre():
    symbols = burst(15, 4, seeded())[320:].unflatten(0, (-1, 80))
    assert torch.allclose(symbols[:, :16], symbols[:, 64:])
    values = torch.fft.fft(symbols[:, 16:]) * 52**0.5 / 64
    polarity = torch.tensor([1, 1, 1, 1, -1, -1, -1, 1, -1, -1, -1, -1, 1, 1, -1, 1])  # equation 17-25
    for column, sign in ((7, 1), (21, -1), (-7, 1), (-21, 1)):
        assert torch.allclose(values[:, column].real, sign * polarity.float(), atol=1e-4)
    assert values[:, 0].abs().max() < 1e-4 and values[:, 27:38].abs().max() < 1e-4
    assert values[0].imag.abs().max() < 1e-4  # SIGNAL is BPSK
    assert values[1:].imag.abs().max() > 0.9


def test_wifi_answers_come_sixteen_microseconds_after_the_burst():
    gaps = []
    for seed in range(12):
        quiet = wifi(20000, 20e6, seeded(seed)).samples.abs().square() < 1e-3
        edges = torch.diff(quiet.int(), prepend=torch.zeros(1)).nonzero().flatten()
        gaps += [int(gap) for gap in torch.diff(edges) if 200 < gap < 450]
    assert len(gaps) > 5
    assert torch.tensor(gaps).median() == pytest.approx(320, abs=12)


@pytest.mark.parametrize(("emitter", "rate"), [(lte, 1.92e6), (nr, 3.84e6), (wifi, 10e6), (dsss, 1e6)])
def test_slices_and_narrow_bands_fill_a_short_window(emitter, rate):
    for seed in range(8):
        emission = emitter(512, rate, seeded(seed))
        assert emission.samples.shape == (512,) and emission.bandwidth <= rate
        assert emission.samples.abs().square().max() > 0.1


@pytest.mark.parametrize("emitter", [lte, nr, wifi])
def test_cells_keep_to_their_bandwidth(emitter):
    for seed in range(4):
        emission = emitter(16384, 61.44e6, seeded(seed))
        spectrum = torch.fft.fft(emission.samples * torch.hann_window(16384)).abs().square()
        inside = torch.fft.fftfreq(16384).abs() * 61.44e6 < emission.bandwidth / 2
        assert float(spectrum[inside].sum() / spectrum.sum()) > 0.97
