# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.bits import bits_of, bits_to_number, bytes_of, crc
from wfm_core.synth.signals.voice import KINDS, dmr, dstar, nxdn, p25, p25_coding, tetra, ysf
from wfm_core.synth.signals.voice.dmr_coding import golay_20_8, quadratic_residue_16_7, reed_solomon_12_9
from wfm_core.synth.signals.voice.four_level import RAISED, hexadecimal, levels, modulated

DIGITAL = KINDS["digital-voice"]


@pytest.mark.parametrize("kind", DIGITAL)
def test_contract(kind):
    for seconds in (0.08, 0.6):
        check_contract(DIGITAL[kind], seconds)


@pytest.mark.parametrize("kind", DIGITAL)
def test_bandwidth(kind):
    check_bandwidth(DIGITAL[kind], 1.0)


def test_dibits_are_levels_of_the_standards():
    assert levels(hexadecimal("1B")) == pytest.approx([1 / 3, 1, -1 / 3, -1])


def test_symbols_reach_their_deviation():
    """C4FM: a raised cosine leaves the middle of each symbol free of its neighbours but for the inverse sinc."""
    x = modulated(np.tile([1.0, 1, 1, 1, -1, -1, -1, -1], 20), 4800, 1800, RAISED, 0)
    frequency = np.angle(x[1:] * x[:-1].conj()) * 24000 / (2 * np.pi)
    middles = frequency[9 + 5 * 8 : 600 : 20]
    assert np.abs(middles).min() > 1300 and np.abs(frequency).max() < 3000


def test_dmr_idle_burst_is_the_published_one():
    burst = dmr.idle_burst(0)
    known = hexadecimal("53C25EABA8671DC7383BD936000DFF57D75DF5D003F6E465171B48CA6D4FC610B4")
    assert np.array_equal(burst[:98], known[:98]) and np.array_equal(burst[166:], known[166:])
    assert bytes_of(burst[108:156]).hex().upper() == "DFF57D75DF5D"


def test_dmr_block_codes_keep_their_distance():
    for code, size, distance in ((golay_20_8, 8, 8), (quadratic_residue_16_7, 7, 6)):
        words = np.array([code(np.array(list(f"{value:0{size}b}"), np.uint8)) for value in range(1, 2**size)])
        assert words.sum(1).min() == distance


def test_dmr_link_control_has_zero_syndromes():
    """Code words of the Reed-Solomon code are zero at a, a^2 and a^3."""
    word = reed_solomon_12_9(bytes(range(1, 10)), 0)
    for root in (2, 4, 8):
        value = 0
        for byte in word:
            product = 0
            for place in range(8):
                if value >> place & 1:
                    product ^= root << place
            for place in range(11, 7, -1):
                if product >> place & 1:
                    product ^= 0x11D << (place - 8)
            value = product ^ byte
        assert value == 0


def test_dmr_mobiles_are_on_for_half_of_the_time():
    rng = np.random.default_rng(0)
    call = dmr.voice_call(2, "ms", 3, rng)
    line = dmr.on_one_slot(call, 1944.0, 0.5e-3, rng)
    on = line != 0
    assert np.count_nonzero(np.diff(on.astype(int)) > 0) + on[0] == len(call)
    assert 0.45 < on.mean() < 0.5


def test_dstar_header_is_undone():
    head = dstar.header(0, "DIRECT", "DIRECT", "CQCQCQ", "DL1ABC", "ID51") ^ dstar.scrambler(660)
    assert "".join(map(str, dstar.scrambler(16))) == "0000111011110010"
    order = np.concatenate([np.arange(column, 660, 24) for column in range(24)])
    coded = np.zeros(660, np.uint8)
    coded[order] = head
    first, second = coded[::2], coded[1::2]
    middle = first ^ second  # (1 + D + D^2) + (1 + D^2)
    data = np.append(middle[1:], 0)[:328]
    text = bytes_of(data, lsb_first=True)
    assert text[3:39] == b"DIRECT  DIRECT  CQCQCQ  DL1ABC  ID51"
    assert crc(bits_of(text, lsb_first=True), 0x1021, 16, 0xFFFF, 0xFFFF) == 0xFFFF ^ 0x1D0F


def test_p25_network_identifiers_are_23_apart():
    rng = np.random.default_rng(0)
    words = np.array([p25_coding.network_identifier(int(rng.integers(4096)), 0)[:63] for _ in range(60)])
    words = np.unique(words, axis=0)
    apart = (words[:, None] != words[None]).sum(-1)
    assert apart[~np.eye(len(words), dtype=bool)].min() >= 23


def test_p25_units_are_as_long_as_they_should_be():
    rng = np.random.default_rng(0)
    link = p25.data_unit(0x293, p25.LINK_1, p25.link_payload(p25.link_control(1, 2), rng))
    assert len(link) == 1728 and bytes_of(link[:48]).hex().upper() == "5575F5FF77FF"
    assert len(p25.data_unit(0x293, p25.HEADER, p25.header_payload(rng))) == 792
    assert len(p25.data_unit(0x293, p25.TERMINATOR, np.zeros(28, np.uint8))) == 144
    assert bits_to_number(link[48:60]) == 0x293


def test_nxdn_frame():
    frame = nxdn.frame(
        nxdn.link_information(1, 2, 3, 0), nxdn.slow_channel(3, 1, np.zeros(18, np.uint8)), np.zeros(288, np.uint8)
    )
    assert len(frame) == 384 and bits_to_number(frame[:20]) == 0xCDF59
    assert (frame[21:36:2] == 1).all()  # link information is of outer symbols


def test_ysf_frame():
    info = ysf.information(ysf.HEADER, 0, 0, 6, ysf.MODE_2, 0)
    frame = ysf.frame(info, ysf.call_signs("*" * 10, "DL1ABC", "", ""))
    assert len(info) == 200 and len(frame) == 960


def test_tetra_slots():
    rng = np.random.default_rng(0)
    for slot, first, last in (
        (tetra.normal_downlink(False, rng), 6, 122),
        (tetra.synchronisation_downlink(np.zeros(120, np.uint8), rng), 108, 250),
    ):
        assert len(slot) == 510
        turned = tetra.turns(slot)[first:last].sum() / (2 * np.pi)
        assert turned == pytest.approx(round(turned), abs=1e-6)
