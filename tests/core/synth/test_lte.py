# SPDX-License-Identifier: GPL-3.0-or-later
"""The LTE generator against TS 36.211, against a receiver, and against cells off the air."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from lte_search import search

from wfm_core.base.errors import WfmError
from wfm_core.synth.channel.resample import input_samples, receive_band
from wfm_core.synth.lte.cell import LteCell, random_cell
from wfm_core.synth.lte.grid import qam, resource_grid
from wfm_core.synth.lte.sequences import gold_bits, reference_symbols
from wfm_core.synth.lte.waveform import lte_waveform

REAL = Path(os.environ.get("WFM_REALDATA", Path(__file__).parents[4] / "shared" / "realdata")) / "lte"
FULL = {"load": 1.0, "control_load": 1.0}


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


def narrow(cell, subframes, seed=1):
    """The cell at 1.92 MS/s, ports summed, as a receiver of the central six blocks gets it."""
    x = lte_waveform(cell, subframes, seeded(seed)).sum(0)
    if cell.n_rb == 6:
        return x
    count = int(len(x) * 1.92e6 / cell.sample_rate) - 400
    assert input_samples(cell.sample_rate, 1.92e6, count) <= len(x)
    return receive_band(x, cell.sample_rate, 1.92e6, 0.0, count)


def gold_by_definition(c_init, count):
    """TS 36.211 section 7.2, word for word."""
    x1 = [1] + [0] * 30
    x2 = [(c_init >> i) & 1 for i in range(31)]
    for n in range(1600 + count):
        x1.append((x1[n + 3] + x1[n]) % 2)
        x2.append((x2[n + 3] + x2[n + 2] + x2[n + 1] + x2[n]) % 2)
    return [(x1[n + 1600] + x2[n + 1600]) % 2 for n in range(count)]


def test_gold_sequence_is_the_recursion():
    starts = [1, 0x2AAAAAAA, 123456789]
    bits = gold_bits(torch.tensor(starts), 100)
    for row, start in zip(bits, starts, strict=True):
        assert row.long().tolist() == gold_by_definition(start, 100)


@pytest.mark.parametrize("port, symbol, half, shift", [(0, 0, 0, 0), (1, 0, 1, 3), (0, 4, 1, 3), (1, 4, 0, 0)]
                         + [(2, 1, 0, 0), (2, 1, 1, 3), (3, 1, 0, 3), (3, 1, 1, 6)])  # fmt: skip
def test_reference_elements_are_where_and_what_they_should(port, symbol, half, shift):
    cell = LteCell(n_rb=15, cell_id=277, ports=4, crs_boost_db=6.0, **FULL)
    grid = resource_grid(cell, 10, seeded(), first_subframe=3)
    subframe = 4  # number 7 of the frame
    slot = 2 * 7 + half
    bits = gold_by_definition(1024 * (7 * (slot + 1) + symbol + 1) * (2 * 277 + 1) + 2 * 277 + 1, 440)
    row = grid[:, subframe, 7 * half + symbol]
    for m in range(30):
        k = 6 * m + (shift + 277 % 6) % 6
        r = m + 110 - 15
        wanted = complex(1 - 2 * bits[2 * r], 1 - 2 * bits[2 * r + 1]) / 2**0.5 * 10 ** (6 / 20)
        assert abs(row[port, k].item() - wanted) < 1e-5
        others = [p for p in range(4) if p != port]
        assert row[others, k].abs().max() == 0


@pytest.mark.parametrize("bits", [2, 4, 6, 8])
def test_constellations_have_unit_power_and_all_points(bits):
    points = qam(bits)
    assert len(set(points.tolist())) == 2**bits
    assert points.abs().square().mean() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "n_rb, rate", list(zip((6, 15, 25, 50, 75, 100), (1.92, 3.84, 7.68, 15.36, 23.04, 30.72), strict=True))
)
def test_rate_length_and_unit_power_of_a_full_cell(n_rb, rate):
    cell = LteCell(n_rb=n_rb, cell_id=5, **FULL)
    assert cell.sample_rate == rate * 1e6
    x = lte_waveform(cell, 10, seeded())
    assert x.shape == (1, round(rate * 1e6 * 0.01)) and x.dtype == torch.complex64
    assert abs(10 * np.log10(x.abs().square().mean().item())) < 0.3


@pytest.mark.parametrize("ports", [2, 4])
def test_ports_share_the_power_and_differ(ports):
    x = lte_waveform(LteCell(n_rb=50, ports=ports, **FULL), 10, seeded())
    assert abs(10 * np.log10(x.abs().square().sum(0).mean().item())) < 0.3
    correlation = torch.corrcoef(x).abs() - torch.eye(ports)
    assert correlation.max() < 0.1


@pytest.mark.parametrize("extended", [False, True])
def test_cyclic_prefix_lengths(extended):
    cell = LteCell(n_rb=25, extended_cp=extended, **FULL)
    slot = lte_waveform(cell, 1, seeded())[0, : cell.subframe_samples // 2]
    size, place = cell.fft_size, 0
    lengths = [128] * 6 if extended else [40] + [36] * 6
    for length in lengths:
        assert torch.allclose(slot[place : place + length], slot[place + size : place + size + length], atol=1e-5)
        before = slot[place - 1 : place] - slot[place + size - 1 : place + size]
        assert place == 0 or before.abs().item() > 1e-3
        place += length + size
    assert place == len(slot)


def test_prefix_correlation_peaks_at_one_symbol():
    x = lte_waveform(LteCell(n_rb=6, **FULL), 20, seeded())[0]
    lags = range(100, 160)
    levels = [(x[lag:] * x[:-lag].conj()).mean().abs().item() for lag in lags]
    assert lags[int(np.argmax(levels))] == 128
    assert max(levels) == pytest.approx(9.14 / 137.14, rel=0.25)


def test_occupied_bandwidth_and_empty_dc():
    cell = LteCell(n_rb=50, **FULL)
    x = lte_waveform(cell, 10, seeded())[0]
    power = torch.fft.fft(x).abs().square()
    frequency = torch.fft.fftfreq(len(x), 1 / cell.sample_rate).abs()
    inside = frequency <= cell.occupied_bandwidth / 2
    assert power[inside].sum() / power.sum() > 0.99
    edge = (frequency > 4.4e6) & (frequency < 4.5e6)
    assert 0.5 < power[edge].mean() / power[inside].mean() < 2
    symbol = torch.fft.fft(x[160 // 2 : 160 // 2 + 1024])
    assert symbol[0].abs() < 1e-3 * symbol.abs().max()


def test_load_changes_power_and_zero_load_keeps_control():
    powers = []
    for load in (0.0, 0.3, 0.6, 1.0):
        cell = LteCell(n_rb=50, load=load, control_load=0.3)
        powers.append(lte_waveform(cell, 40, seeded()).abs().square().mean().item())
    assert 0.03 < powers[0] < 0.2 < powers[1] < powers[2] < powers[3]
    assert powers[2] - powers[1] == pytest.approx(0.3 * (powers[3] - powers[0]), rel=0.35)


def test_bursty_load_leaves_idle_subframes():
    def busiest_and_quietest(burst):
        x = lte_waveform(LteCell(n_rb=25, load=0.5, burst=burst), 40, seeded())
        powers = x.abs().square().view(40, -1).mean(1)
        return powers.max().item(), powers.min().item()

    high, low = busiest_and_quietest(1.0)
    assert high > 0.8 and low < 0.25
    assert busiest_and_quietest(0.0)[1] > low


def test_tdd_is_silent_in_the_uplink():
    cell = LteCell(n_rb=15, duplex="tdd", tdd_config=1, special_symbols=10, **FULL)  # DSUUDDSUUD
    powers = lte_waveform(cell, 10, seeded()).abs().square().view(10, -1).mean(1)
    assert (powers[[2, 3, 7, 8]] == 0).all()
    assert (powers[[0, 4, 5, 9]] > 0.8).all()
    assert 0.6 < powers[1] < 0.8


def test_same_seed_same_samples():
    cell = random_cell(seeded(5))
    assert cell == random_cell(seeded(5))
    first, again, other = (lte_waveform(cell, 3, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_random_cells_cover_the_range_and_are_finite():
    generator = seeded()
    cells = [random_cell(generator) for _ in range(150)]
    assert {cell.n_rb for cell in cells} == {6, 15, 25, 50, 75, 100}
    assert {cell.ports for cell in cells} == {1, 2, 4}
    for cell in cells[:40]:
        x = lte_waveform(cell, 2, generator, first_subframe=4)
        assert torch.isfinite(torch.view_as_real(x)).all()


@pytest.mark.parametrize(
    "layout, cell",
    [
        ("fdd", LteCell(n_rb=6, cell_id=0, load=0.5)),
        ("fdd", LteCell(n_rb=25, cell_id=3 * 84 + 1, ports=2, **FULL)),
        ("fdd", LteCell(n_rb=100, cell_id=503, ports=4, **FULL)),
        ("fdd-extended", LteCell(n_rb=15, cell_id=301, extended_cp=True)),
        ("tdd", LteCell(n_rb=15, cell_id=92, duplex="tdd")),
    ],
)
def test_cell_search_finds_the_identity_through_noise_and_offset(layout, cell):
    x = narrow(cell, 30)
    x = x / x.abs().square().mean().sqrt()
    x = x + torch.randn(x.shape, generator=seeded(), dtype=torch.complex64)  # SNR 0 dB
    x = x.numpy() * np.exp(2j * np.pi * 3700.0 * np.arange(len(x)) / 1.92e6)
    found = search(x, (-5e3, 0.0, 5e3), layout)
    assert 3 * found.nid1 + found.nid2 == cell.cell_id
    assert abs(found.offset - 3700) < 1000


def test_wrong_parameters_are_named():
    for wrong in ({"n_rb": 7}, {"cell_id": 504}, {"ports": 3}, {"duplex": "x"}, {"load": 1.5}):
        with pytest.raises(WfmError, match=next(iter(wrong))):
            LteCell(**wrong)


# Identities that the recordings' authors found with their own receiver.
@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings: set WFM_REALDATA")
@pytest.mark.parametrize(
    "name, cell_id", [("lte_1890p0mhz_g0", 253), ("lte_2585p0mhz_g0", 68), ("lte_1889p9mhz_g0", 253)]
)
def test_the_same_search_finds_cells_off_the_air(name, cell_id):
    with open(REAL / "labels.csv") as file:
        label = next(row for row in csv.DictReader(file) if row["file"] == name)
    raw = np.fromfile(REAL / f"{name}.sigmf-data", np.uint8, count=2 * 96000).astype(np.float32) - 127.5
    found = search(raw[0::2] + 1j * raw[1::2], np.arange(-120e3, 121e3, 5e3), "tdd")
    assert found.nid2 == int(label["nid2"])
    assert found.quality > 10
    assert 3 * found.nid1 + found.nid2 == cell_id


@pytest.mark.skipif(not REAL.is_dir(), reason="no real recordings: set WFM_REALDATA")
def test_reference_signals_off_the_air_are_ours():
    """Divided by our sequence, the references of a real cell show a smooth channel; by another cell's, noise."""
    raw = np.fromfile(REAL / "lte_1890p0mhz_g0.sigmf-data", np.uint8, count=2 * 192000).astype(np.float32) - 127.5
    x = raw[0::2] + 1j * raw[1::2]
    found = search(x, np.arange(-60e3, 61e3, 5e3), "tdd")
    x = x * np.exp(-2j * np.pi * found.offset * np.arange(len(x)) / 1.92e6)
    # The PSS is the third symbol of subframe 1 or 6; frames begin a subframe earlier.
    frame = found.start - 284 - 1920 - 9600 * found.second_half
    carriers = np.r_[128 - 36 : 128, 1:37]
    smooth = []
    for cell_id in (253, 256):  # the neighbour with the same shift and PSS
        products = powers = 0
        for start in range(frame + 19200, len(x) - 19200, 19200):
            for symbol, place in ((0, 10), (4, 10 + 4 * 137)):
                heard = np.fft.fft(x[start + place : start + place + 128])[carriers]
                shift = (cell_id + (3 if symbol else 0)) % 6
                sent = reference_symbols(cell_id, False, torch.tensor(0), torch.tensor(symbol), 6).numpy()
                channel = heard[shift::6] * sent.conj()
                products += (channel[1:] * channel[:-1].conj()).sum()
                powers += (np.abs(channel[1:]) ** 2).sum()
        smooth.append(abs(products) / powers)
    assert smooth[0] > 0.6 and smooth[1] < 0.4
