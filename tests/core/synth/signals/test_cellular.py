# SPDX-License-Identifier: GPL-3.0-or-later
"""Cellular signals: bursts and codes of GSM, codes of UMTS, references of the uplinks, occupied bandwidth."""

import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.bits import bits_of, bytes_of, convolutional, crc
from wfm_core.synth.signals.cellular import (
    KINDS,
    gsm,
    gsm_coding,
    gsm_messages,
    lte_uplink,
    nbiot_downlink,
    uplink,
    wcdma,
    wcdma_codes,
)
from wfm_core.synth.signals.keying import root_raised_cosine

CELLULAR = KINDS["cellular"]


@pytest.mark.parametrize("kind", CELLULAR)
def test_contract(kind):
    for seconds in (4e-3, 0.03):
        check_contract(CELLULAR[kind], seconds)
    assert CELLULAR[kind](4e-3, np.random.default_rng(5)).kind == kind


@pytest.mark.parametrize("kind", CELLULAR)
def test_bandwidth(kind):
    # One user of an uplink may have a single tone, a mobile of GSM a single burst.
    check_bandwidth(CELLULAR[kind], 0.02, carrier=kind in ("nb-iot", "lte-uplink", "lte-pucch", "c-v2x"))


def test_dsss_keeps_the_contract():
    check_contract(KINDS["dsss"]["dsss"], 0.01)


def test_gsm_bursts_are_148_bits():
    rng = np.random.default_rng(0)
    bursts = [gsm_coding.frequency_burst(), gsm_coding.dummy_burst(), gsm_coding.synchronisation_burst(10, 1)]
    bursts += [gsm_coding.traffic_burst(code, rng) for code in range(8)]
    assert all(len(burst) == 148 and not burst[:3].any() and not burst[-3:].any() for burst in bursts)
    assert bytes_of(gsm_coding.dummy_burst()[3:-3]).hex() == "fb760a4e09101f1c5c5c574a3339e9f12fa8"


def test_gsm_training_sequences_repeat_their_ends():
    """The first and last five of 26 bits repeat the other end's: what makes their correlation flat (TS 45.002)."""
    for sequence in gsm_coding.TRAINING:
        assert sequence[:10] == sequence[16:]


def test_synchronisation_information_has_its_fields_in_place():
    frame = (1234 * 26 * 51) + 51 * 7 + 31
    bits = gsm_coding.synchronisation_information(0b101011, frame)
    octets = bytes_of(np.append(bits, np.zeros(7, np.uint8)), lsb_first=True)
    assert octets[0] >> 2 == 0b101011
    superframe = (octets[0] & 3) << 9 | octets[1] << 1 | octets[2] >> 7
    assert (superframe, octets[2] >> 2 & 31) == (frame // 1326, frame % 26)
    assert ((octets[2] & 3) << 1 | octets[3] & 1) * 10 + 1 == frame % 51


def test_control_blocks_are_deinterleaved_to_code_words():
    """Undone as TS 45.003 4.1.4 has it, a block is the code word of its message, whose parity is right."""
    message = bytes(range(23))
    bursts = gsm_coding.control_block(message, 3)
    assert len(bursts) == 4 and all((burst[[60, 87]] == 1).all() for burst in bursts)
    halves = [np.concatenate([burst[3:60], burst[88:145]]) for burst in bursts]
    word = np.array([halves[k % 4][2 * (49 * k % 57) + k % 8 // 4] for k in range(456)])
    data = np.concatenate([bits_of(message, lsb_first=True), np.zeros(44, np.uint8)])
    parity = crc(data[:184], 0x4820009, 40, final=(1 << 40) - 1)
    data[184:224] = list(map(int, f"{parity:040b}"))
    np.testing.assert_array_equal(word, convolutional(data, (0b10011, 0b11011), 4))


def test_messages_fill_their_block():
    rng = np.random.default_rng(0)
    for _ in range(20):
        cell = gsm_messages.random_cell(rng)
        said = [gsm_messages.broadcast(cell, number, cell.channels) for number in range(8)]
        said += [gsm_messages.paging(rng), gsm_messages.immediate_assignment(cell, rng)]
        assert all(len(message) == 23 for message in said)
        for message in said:  # all after the octets that the length counts is padding
            length = message[0] >> 2
            assert set(message[1 + length :]) <= {0x2B} or message[2] in (0x19, 0x1B, 0x1C)


def test_frequency_correction_is_a_tone():
    """Zeros turn by a quarter a bit: 67.7 kHz above the carrier (TS 45.002 5.2.4)."""
    frequency = gsm.gmsk(np.zeros(148, np.uint8), last=0)
    np.testing.assert_allclose(frequency, gsm.SYMBOL_RATE / 4)


def test_control_carrier_never_pauses():
    sent = gsm.gsm_control(0.1, np.random.default_rng(2)).samples
    np.testing.assert_allclose(np.abs(sent), 1, atol=1e-3)


def test_scrambling_codes_are_the_gold_codes_of_the_standard():
    """The mean of products of two codes over a frame is near zero, that with itself one."""
    first, second = wcdma_codes.scrambling(0), wcdma_codes.scrambling(16)
    np.testing.assert_allclose(np.abs(first), 1)
    assert abs(np.vdot(first, second)) / len(first) < 0.02
    x, y = wcdma_codes._gold_parts()
    assert len(x) == len(y) == 2**18 - 1 and x.sum() == y.sum() == 2**17
    # clause 5.2.2: I is x + y at the same place, so that code 0 begins as 1 + y does
    np.testing.assert_array_equal(np.sign(first[:18].real), [1] + [-1] * 17)


def test_channelisation_codes_are_orthogonal_along_the_tree():
    code = wcdma_codes.channelisation(64)
    np.testing.assert_array_equal(code @ code.T, 64 * np.eye(64))
    np.testing.assert_array_equal(wcdma_codes.channelisation(4)[1], [1, 1, -1, -1])
    child, parent = code[2 * 5], wcdma_codes.channelisation(32)[5]
    np.testing.assert_array_equal(child, np.tile(parent, 2))


def test_slot_patterns_of_groups_are_thirteen_apart_in_any_turn():
    """What lets a receiver find group and frame from any slot (TS 25.213 5.2.3.3)."""
    words = np.array([[int(letter, 17) for letter in group] for group in wcdma_codes.GROUPS])
    turned = np.concatenate([np.roll(words, turn, axis=1) for turn in range(15)])
    apart = (turned[:, None] != turned[None]).sum(-1)
    assert apart[~np.eye(len(turned), dtype=bool)].min() == 13


@pytest.mark.parametrize("primary", [0, 77, 511])
def test_cells_are_found_by_the_search_of_three_steps(primary):
    """Slot by the primary code, frame and group by the secondary ones, scrambling code by the pilot."""
    rng = np.random.default_rng(primary)
    chips = wcdma.cell(primary, 40, 4, rng)[700:]
    template = wcdma_codes.primary_synchronisation()
    found = np.abs(np.correlate(chips, template, "valid"))[: 30 * 2560].reshape(30, 2560).sum(0).argmax()
    slots = chips[found : found + 15 * 2560].reshape(15, 2560)
    codes = np.abs(slots[:, :256] @ wcdma_codes.secondary_synchronisation().conj().T)
    words = np.array([[int(letter, 17) - 1 for letter in group] for group in wcdma_codes.GROUPS])
    scores = [[codes[np.arange(15), np.roll(word, -turn)].sum() for turn in range(15)] for word in words]
    group, turn = np.unravel_index(np.argmax(scores), (64, 15))
    assert group == primary // 8
    frame = np.roll(slots, turn, axis=0).ravel()
    pilots = [abs(np.vdot(wcdma_codes.scrambling(16 * (8 * group + one)), frame)) for one in range(8)]
    assert np.argmax(pilots) == primary % 8


def test_wcdma_pulses_are_root_raised_cosines():
    sent = wcdma.wcdma(0.004, np.random.default_rng(1))
    matched = np.convolve(sent.samples, root_raised_cosine(3.84e6, 7.68e6, 0.22, 6))
    spectrum = np.abs(np.fft.fftshift(np.fft.fft(matched))) ** 2
    frequency = np.fft.fftshift(np.fft.fftfreq(len(matched), 1 / sent.sample_rate))
    assert spectrum[np.abs(frequency) > 2.4e6].sum() < 2e-3 * spectrum.sum()


def test_uplink_symbols_have_less_peaks_than_ofdm():
    rng = np.random.default_rng(0)
    one = uplink.subframe(120, -60, 256, (3, 10), 2, rng)
    assert np.max(np.abs(one) ** 2) / np.mean(np.abs(one) ** 2) < 10 ** (7.5 / 10)


def test_reference_sequences_have_constant_amplitude_and_no_correlation():
    sequence = uplink.zadoff_chu(139, 7)
    np.testing.assert_allclose(np.abs(sequence), 1)
    own = np.abs(np.fft.ifft(np.abs(np.fft.fft(sequence)) ** 2))
    assert own[1:].max() < 1e-9 * own[0]


@pytest.mark.parametrize("states", [2, 4])
def test_single_tones_never_pass_through_zero(states):
    """Steps of pi / 2 (BPSK), of odd multiples of pi / 4 (QPSK): why they are turned."""
    symbols = uplink._single_tone(200, states, np.random.default_rng(1))
    steps = np.angle(symbols[1:] * symbols[:-1].conj())
    assert np.abs(steps).max() < 0.8 * np.pi
    smallest = np.pi / states
    np.testing.assert_allclose(np.abs(np.abs(steps) / smallest - np.round(np.abs(steps) / smallest)), 0, atol=1e-9)
    assert set(np.round(np.abs(steps) / smallest).astype(int)) == ({1} if states == 2 else {1, 3})


def test_random_access_hops_by_one_and_six_tones():
    sent, _ = uplink._random_access(480e3, np.random.default_rng(3))
    frequency = np.angle(sent[1:] * sent[:-1].conj()) * 480e3 / (2 * np.pi)
    group = next(samples for samples in (672, 768) if len(sent) % (4 * samples) == 0)
    tones = np.round(frequency[group // 2 :: group] / 3750 - 0.5).astype(int)
    assert (np.abs(np.diff(tones.reshape(-1, 4))) == [1, 6, 1]).all()


@pytest.mark.parametrize("kind", ["lte-uplink", "lte-pucch", "c-v2x"])
def test_uplinks_are_as_wide_as_what_they_use(kind):
    """One resource block is not called a cell's whole width: its power would be called too weak for its band."""
    share, wide = [], []
    for seed in range(12):
        sent = CELLULAR[kind](0.01, np.random.default_rng(seed))
        power = np.cumsum(np.fft.fftshift(np.abs(np.fft.fft(sent.samples)) ** 2))
        edges = np.searchsorted(power, (0.005 * power[-1], 0.995 * power[-1])) / len(power) * sent.sample_rate
        share.append(np.diff(edges)[0] / sent.bandwidth)
        wide.append(sent.bandwidth)
    assert 0.85 < np.median(share) < 1.1
    assert len(set(wide)) > 1


@pytest.mark.parametrize(("form", "samples"), [(0, 1734), (1, 2850), (2, 3462), (3, 4386)])
def test_preambles_of_random_access_repeat_and_correlate(form, samples):
    """Lengths of table 5.7.1-1 (at 1.92 MS/s); other shifts and roots do not match."""
    one = lte_uplink.random_access(129, 0, form)
    assert len(one) == samples
    np.testing.assert_allclose(one[: samples - 1536], one[1536:], atol=1e-9)
    last = one[-1536:]
    assert abs(np.vdot(last, last)) == pytest.approx(1536, rel=1e-6)
    assert abs(np.vdot(last, lte_uplink.random_access(129, 13, form)[-1536:])) < 1
    assert abs(np.vdot(last, lte_uplink.random_access(130, 0, form)[-1536:])) < 2 * 1536 / 839**0.5


def test_control_channel_hops_from_edge_to_edge():
    rng = np.random.default_rng(2)
    low = lte_uplink._control_slot(-300, 1024, (2, 3, 4), 1, rng)
    high = lte_uplink._control_slot(288, 1024, (2, 3, 4), 1, rng)
    assert len(low) == len(high) == 15 * 1024 // 2
    for slot, middle in ((low, -294), (high, 294)):
        bins = np.abs(np.fft.fft(slot[80 : 80 + 1024])) ** 2
        assert bins[(np.arange(-10, 10) + middle) % 1024].sum() > 0.97 * bins.sum()


def test_nbiot_cells_are_found_by_their_synchronisation():
    """Of all 504 identities and four places, the right one fits NSSS best; NPSS is the same in each cell."""
    rng = np.random.default_rng(3)
    for cell, frame in ((0, 2), (200, 4), (503, 6)):
        cells = nbiot_downlink.grid(cell, frame, 0.5, 2, rng)
        np.testing.assert_allclose(cells[5, 3:, :11], nbiot_downlink.primary() * np.sqrt(12 / 11))
        assert not cells[5, :, 11].any() and not cells[5, :3].any()
        seen = cells[9, 3:]
        fits = [
            abs(np.vdot(nbiot_downlink.secondary(other, turn), seen)) for other in range(504) for turn in (0, 2, 4, 6)
        ]
        assert divmod(int(np.argmax(fits)), 4) == (cell, frame // 2 % 4)
        assert sorted(fits)[-2] < 0.7 * max(fits)


def test_nbiot_symbols_carry_their_cells():
    rng = np.random.default_rng(4)
    cells = nbiot_downlink.grid(77, 1, 1.0, 1, rng)[:3]
    sent = nbiot_downlink.modulated(cells)
    assert len(sent) == 3 * 480
    # at the fourfold rate, where prefixes are whole
    count = 4 * len(sent)
    whole = np.fft.fft(sent)
    dense = np.fft.ifft(np.concatenate([whole[:720], np.zeros(count - 1440), whole[720:]])) * 4
    start = 1920 + 960 + 10  # the second slot of the second subframe, after the prefix
    body = dense[start : start + 128] * np.exp(-1j * np.pi * np.arange(128) / 128)
    values = np.fft.fft(body)[(np.arange(12) - 6) % 128] * np.sqrt(12) / 128
    assert np.corrcoef(np.r_[values.real, values.imag], np.r_[cells[1, 7].real, cells[1, 7].imag])[0, 1] > 0.98
