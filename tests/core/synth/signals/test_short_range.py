# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from single_signals import check_bandwidth, check_contract

from wfm_core.synth.signals.short_range import (
    KINDS,
    ble,
    bluetooth,
    lora,
    lora_coding,
    nfc,
    rc_link,
    wifi_dsss,
    wifi_frames,
    wifi_ofdm,
    zigbee,
)

SECONDS = {"lora": 0.2, "wifi": 0.01, "bluetooth": 0.05, "rc-link": 0.1, "zigbee": 0.05, "nfc": 0.02}
GENERATORS = [(label, kind) for label, kinds in KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("label", "kind"), GENERATORS)
def test_generators_keep_their_contract(label, kind):
    check_contract(KINDS[label][kind], SECONDS[label])
    # A reader's field is a carrier before all else.
    check_bandwidth(KINDS[label][kind], SECONDS[label], carrier=label == "nfc")
    assert KINDS[label][kind](SECONDS[label], np.random.default_rng(3)).kind == kind


def test_lora_whitening_is_the_known_sequence():
    assert lora_coding.whitening()[:8].tolist() == [0xFF, 0xFE, 0xFC, 0xF8, 0xF0, 0xE1, 0xC2, 0x85]


def test_lora_frame_has_the_length_of_the_data_sheet():
    # SX1276, 4.1.1.7: 8 + max(ceil((8 PL - 4 SF + 28 + 16 CRC) / 4 SF) (CR + 4), 0) symbols, explicit header.
    for factor, length, rate in ((7, 20, 1), (9, 33, 4), (12, 5, 2)):
        count = 8 + max(int(np.ceil((8 * length - 4 * factor + 44) / (4 * factor))) * (rate + 4), 0)
        assert len(lora_coding.symbols(bytes(length), factor, rate)) == count


def test_lora_preamble_dechirps_to_one_tone():
    factor, per_chip = 8, 1
    sent = lora.frame(lora_coding.symbols(b"hello", factor, 1), factor, 8, 0x12, per_chip)
    up = np.exp(2j * np.pi * lora.chirps(np.zeros(1), factor, per_chip))
    symbols = sent[: 10 * 256].reshape(10, 256)
    assert np.abs(np.fft.fft(symbols * up.conj())).argmax(1).tolist() == [0] * 8 + [8, 16]


# The example of IEEE 802.11-2020, annex I.1: 100 octets at 36 Mb/s.
EXAMPLE = bytes.fromhex("0402002e006008cd37a60020d6013cf1006008ad3baf0000") + (
    b"Joy, bright spark of divinity,\nDaughter of Elysium,\nFire-insired we trea"
)


def test_wifi_ofdm_is_the_example_of_the_standard():
    psdu = wifi_frames.with_fcs(EXAMPLE)
    assert psdu[-4:].hex() == "673321b6"
    assert "".join(map(str, wifi_ofdm.signal_bits(36, 100))) == "101100010011000000000000"
    assert "".join(map(str, wifi_ofdm.data_bits(psdu, 144, 93)[:24])) == "011011000001100110001001"
    samples = wifi_ofdm.Modulator(oversampling=1).legacy(psdu, 36, 93) * np.sqrt(52) / 64
    assert len(samples) == 320 + 80 * 7
    assert np.allclose(samples[1:5], [-0.132 + 0.002j, -0.013 - 0.079j, 0.143 - 0.013j, 0.092], atol=8e-4)
    # SIGNAL's prefix.
    expected = [0.062, 0.033 - 0.044j, -0.002 - 0.038j, -0.081 + 0.084j, 0.007 - 0.100j, -0.001 - 0.113j]
    assert np.allclose(samples[320:326], expected, atol=8e-4)


def test_wifi_ht_signal_check_is_the_example_of_the_standard():
    # IEEE 802.11-2020, 19.3.9.4.4: bits 0 to 33 being 1111 0001 0010 0110 0000 0000 1110 0000 00 give 1010 1000.
    bits = wifi_ofdm.ht_signal_bits(7, 1500, False, True, False)
    example = np.array([int(bit) for bit in "1111000100100110000000001110000000"], np.uint8)
    assert wifi_ofdm.crc(example, 0x07, 8, 0xFF, 0xFF) == 0b10101000
    assert wifi_ofdm.crc(bits[:34], 0x07, 8, 0xFF, 0xFF) == int("".join(map(str, bits[34:42])), 2)


def test_wifi_dsss_sends_long_preamble_as_barker_chips():
    chips = wifi_dsss.chips(wifi_frames.acknowledgement(bytes(6)), 1)
    symbols = chips.reshape(-1, 11) @ wifi_dsss._BARKER
    assert len(symbols) == 144 + 48 + 8 * 14
    assert np.allclose(np.abs(symbols), 11)
    turned = (np.real(symbols[1:] * symbols[:-1].conj()) < 0).astype(np.uint8)
    # What a receiver's self-synchronising descrambler leaves: ones, then the start of the frame.
    clear = turned[7:] ^ turned[3:-4] ^ turned[:-7]
    assert clear[:120].all()
    assert clear[120:136].tolist() == [int(bit) for bit in f"{0xF3A0:016b}"[::-1]]


def test_wifi_cck_words_are_complementary():
    words = wifi_dsss.cck(np.random.default_rng(0).integers(0, 2, 64).astype(np.uint8), 11, 0).reshape(-1, 8)
    for word in words:
        sides = np.correlate(word, word, "full")
        assert abs(sides[7] - 8) < 1e-9 and np.abs(np.delete(sides, 7)).max() < 4.5


def test_bluetooth_sync_word_of_inquiry():
    # Core 5.4, volume 2, part G, section 2: LAP 9E8B33.
    word = bluetooth.access_code(0x9E8B33)[4:68]
    assert int("".join(map(str, word)), 2) == 0x475C58CC73345E72


def test_ble_whitening_is_the_known_sequence():
    # Of channel 37, as sniffers tabulate it.
    assert np.packbits(ble.whitening(37, 64), bitorder="little").tobytes().hex() == "8dd257a13da766b0"
    assert len(set(map(bytes, (ble.whitening(channel, 127) for channel in range(40))))) == 40
    assert ble.whitening(37, 127).sum() == 64  # one period of a maximum length sequence


def test_ble_check_sequence_leaves_no_rest():
    pdu = bytes([0x02, 0x09]) + bytes(range(9))
    bits = ble.checked(pdu, 0x555555, 37) ^ ble.whitening(37, 8 * 11 + 24)
    assert ble.crc(bits, 0x00065B, 24, 0x555555) == 0


def test_zigbee_check_sequence_of_a_known_acknowledgement():
    # IEEE 802.15.4-2020, 7.2.11: an acknowledgement 02 00 6A; bits in the order in which they are sent.
    bits = "".join(f"{byte:08b}"[::-1] for byte in zigbee.with_fcs(b"\x02\x00\x6a")[3:])
    assert bits == "0010011110011110"


def test_zigbee_chips_have_one_envelope_and_table_12_1():
    table = (zigbee.chip_table() > 0).astype(int)
    assert "".join(map(str, table[1])) == "11101101100111000011010100100010"
    assert "".join(map(str, table[8])) == "10001100100101100000011101111011"
    assert np.allclose(np.abs(zigbee.offset_qpsk(b"\x00\xa7")[4:-4]), 1)


def test_nrf24_packet_has_the_fields_of_its_specification():
    bits = rc_link.enhanced_shockburst(b"\xe7" * 5, bytes(4), 2)
    assert len(bits) == 8 + 40 + 9 + 32 + 16
    assert bits[:8].tolist() == [1, 0, 1, 0, 1, 0, 1, 0]
    assert bits[48:57].tolist() == [0, 0, 0, 1, 0, 0, 1, 0, 0]
    assert rc_link.crc(bits[8:], 0x1021, 16, 0xFFFF) == 0


def test_nfc_check_sequences_are_those_of_the_standard():
    # ISO/IEC 14443-3, annex B.
    assert nfc.checked_a(b"\x00\x00").hex() == "0000a01e"
    assert nfc.checked_a(b"\x12\x34").hex() == "123426cf"
    assert nfc.checked_b(b"\x0f\xaa\xff").hex() == "0faafffcd1"


def test_nfc_commands_have_the_pauses_of_the_standard():
    # REQA, 26: a 0 at the start, then 0110010 and a 0 at the end.
    envelope = nfc.miller(np.array([0, 1, 1, 0, 0, 1, 0], np.uint8), 8)
    pauses = np.flatnonzero(np.diff(envelope, prepend=1) < 0) / 16  # half bits
    assert pauses.tolist() == [0, 2, 5, 7, 10, 13, 16]
    # V: one pause for each two bits of a byte, in the second half of its quarter.
    starts = np.flatnonzero(np.diff(nfc.pulse_position(b"\xe4"), prepend=1) < 0) / 32
    assert starts.tolist() == [0, 5, 8 + 1, 16 + 3, 24 + 5, 32 + 7, 40 + 2]
