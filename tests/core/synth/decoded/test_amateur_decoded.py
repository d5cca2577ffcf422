# SPDX-License-Identifier: GPL-3.0-or-later
"""What amateurs send, read by direwolf, multimon-ng and minimodem (Debian)."""

import shutil

import numpy as np
import pytest
from receiving import between_silence, discriminated, printed, sideband_audio, sixteen_bits, tell
from scipy.io import wavfile

from wfm_core.synth.signals.amateur import ax25, ffsk, morse, packet, phrases, rtty
from wfm_core.synth.signals.content import call_sign

pytestmark = pytest.mark.slow
FRAMES = 10


def needs(program: str):
    package = {"atest": "direwolf"}.get(program, program)
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} is not installed (Debian package {package})"
    )


def reports(rng) -> list[tuple[str, str, bytes]]:
    """Station, text and frame of some reports."""
    out = []
    for _ in range(FRAMES):
        source, info = call_sign(rng), ax25.report(rng)
        out.append((source, info.decode(), ax25.ui_frame(source, "APRS", ("WIDE1-1",), info)))
    return out


def heard_by_direwolf(folder, samples, sample_rate, speed, rng, audio=None) -> str:
    if audio is None:
        audio = discriminated(between_silence(samples, sample_rate), sample_rate, 48000, rng)
        audio = sixteen_bits(audio, 9000)
    wavfile.write(folder / "audio.wav", 48000, audio)
    return printed("atest", "-B", speed, folder / "audio.wav")


@needs("atest")
def test_afsk_1200_by_direwolf(tmp_path):
    rng, decoded = np.random.default_rng(1), 0
    for number, (source, info, frame) in enumerate(reports(rng)):
        audio = packet.afsk([frame], 40)
        audio = packet.emphasised(audio, packet.FM_RATE) if number % 2 else audio
        samples = packet.in_fm(audio, packet.FM_RATE, 3000, 0.05, 0.01)
        decoded += f"{source}>APRS,WIDE1-1:{info}" in heard_by_direwolf(tmp_path, samples, packet.FM_RATE, 1200, rng)
    tell("packet", "afsk1200", "direwolf", decoded, FRAMES)


@needs("multimon-ng")
def test_afsk_1200_by_multimon(tmp_path):
    rng, decoded = np.random.default_rng(2), 0
    for source, info, frame in reports(rng):
        samples = packet.in_fm(packet.afsk([frame], 40), packet.FM_RATE, 3000, 0.05, 0.01)
        audio = discriminated(between_silence(samples, packet.FM_RATE), packet.FM_RATE, 22050, rng)
        sixteen_bits(audio, 9000).tofile(tmp_path / "audio.raw")
        decoded += f"{source}>APRS,WIDE1-1:{info}" in printed(
            "multimon-ng", "-q", "-A", "-t", "raw", "-a", "AFSK1200", tmp_path / "audio.raw"
        )
    tell("packet", "afsk1200", "multimon-ng", decoded, FRAMES)


@needs("atest")
def test_fsk_9600_by_direwolf(tmp_path):
    rng, decoded = np.random.default_rng(3), 0
    for source, info, frame in reports(rng):
        samples = packet.modulated_9600(packet.g3ruh([frame], 200), 3000, 6000)
        heard = heard_by_direwolf(tmp_path, samples, packet.FAST_RATE, 9600, rng)
        decoded += f"{source}>APRS,WIDE1-1:{info}" in heard
    tell("packet", "fsk9600", "direwolf", decoded, FRAMES)


@needs("atest")
def test_hf_300_by_direwolf(tmp_path):
    rng, decoded = np.random.default_rng(4), 0
    for source, info, frame in reports(rng):
        samples = packet.modulated_300(packet.nrzi(ax25.line_bits([frame], 20, 2)))
        audio = sideband_audio(between_silence(samples, packet.SLOW_RATE), packet.SLOW_RATE, 48000, 1700, rng)
        heard = heard_by_direwolf(tmp_path, None, None, 300, rng, sixteen_bits(audio, 2))
        decoded += f"{source}>APRS,WIDE1-1:{info}" in heard
    tell("packet", "hf300", "direwolf", decoded, FRAMES)


@needs("minimodem")
def test_ffsk_by_minimodem(tmp_path):
    """Slots of a trunking control channel, as raw bits."""
    rng, decoded, sent = np.random.default_rng(8), 0, 0
    for _ in range(4):
        bits = ffsk.control_channel(8, rng)
        audio = packet.audio_1200(bits, packet.FM_RATE, 1200.0, 1800.0)
        samples = between_silence(packet.in_fm(audio, packet.FM_RATE, 2500, 0.1, 0.1), packet.FM_RATE)
        audio = sixteen_bits(discriminated(samples, packet.FM_RATE, 48000, rng), 6000)
        wavfile.write(tmp_path / "audio.wav", 48000, audio)
        raw = ("-c", 1.0, "--startbits", 0, "--stopbits", 0, "--binary-raw", 8)
        heard = printed("minimodem", "--rx", "-M", 1200, "-S", 1800, "-f", tmp_path / "audio.wav", *raw, 1200)
        heard = "".join(line for line in heard.splitlines() if set(line) <= {"0", "1"})
        slots = ["".join(map(str, slot)) for slot in bits.reshape(-1, 128)][1:]
        decoded, sent = decoded + sum(slot in heard for slot in slots), sent + len(slots)
    tell("packet", "ffsk1200 (slots)", "minimodem", decoded, sent)


def heard_by_minimodem(folder, halves, baud, shift, rng, *options) -> str:
    rate = rtty.rate_for(shift, baud)
    samples = between_silence(rtty.modulated(halves, baud, shift, rate, 2), rate)
    wavfile.write(folder / "audio.wav", 48000, sixteen_bits(sideband_audio(samples, rate, 48000, 1500, rng), 2))
    tones = ("-M", 1500 + shift / 2, "-S", 1500 - shift / 2)
    return printed("minimodem", "--rx", *tones, "-f", folder / "audio.wav", *options, baud)


@needs("minimodem")
def test_baudot_by_minimodem(tmp_path):
    rng, decoded, sent = np.random.default_rng(5), 0, 0
    mark = np.ones(60, np.uint8)
    for baud, shift, stop in ((45.45, 170, 3), (50, 450, 3), (50, 425, 4), (75, 850, 2)):
        for _ in range(3):
            said = phrases.contact(rng).replace("=", ".").replace("?", "")
            halves = np.concatenate([mark, rtty.framed(rtty.baudot_codes(said), 5, stop), mark])
            heard = heard_by_minimodem(tmp_path, halves, baud, shift, rng, "--baudot", "--stopbits", stop / 2)
            decoded, sent = decoded + (said in heard), sent + 1
    tell("rtty", "baudot", "minimodem", decoded, sent)


@needs("minimodem")
def test_ascii_by_minimodem(tmp_path):
    rng, decoded, sent = np.random.default_rng(6), 0, 0
    mark = np.ones(60, np.uint8)
    for baud, shift, bits, stop in ((50, 450, 8, 4), (100, 600, 7, 4), (300, 900, 8, 2), (300, 600, 7, 4)):
        for _ in range(3):
            said = phrases.balloon(rng)
            halves = np.concatenate([mark, rtty.ascii_bits(said, bits, stop), mark])
            heard = heard_by_minimodem(tmp_path, halves, baud, shift, rng, f"-{bits}", "--stopbits", stop / 2)
            decoded, sent = decoded + (said in heard), sent + 1
    tell("rtty", "ascii", "minimodem", decoded, sent)


@needs("multimon-ng")
@pytest.mark.parametrize("kind", ["cw", "mcw-fm"])
def test_morse_by_multimon(tmp_path, kind):
    """Words of machine keying; the first word is left out, in which the decoder finds the speed."""
    rng, decoded, sent = np.random.default_rng(7), 0, 0
    for speed in (12, 16, 20, 25, 30):
        said = "VVV VVV " + phrases.contact(rng).replace("=", "/")
        on, off = morse.elements(said)
        if kind == "cw":
            key = between_silence(morse.smoothed(morse.keyed(on, off, 1.2 / speed, 1000), 0.006, 1000), 1000)
            audio = sixteen_bits(sideband_audio(key, 1000, 22050, 700, rng, 0.005), 1.5)
        else:
            key = morse.smoothed(morse.keyed(on, off, 1.2 / speed, 24000), 0.006, 24000)
            tone = key * np.sin(2 * np.pi * 800 / 24000 * np.arange(len(key)))
            samples = packet.in_fm(tone, 24000, 2500, 0.3, 0.3)
            audio = sixteen_bits(discriminated(samples, 24000, 22050, rng), 5000)
        audio.tofile(tmp_path / "audio.raw")
        dot = round(1200 / speed)
        heard = printed(
            "multimon-ng", "-q", "-t", "raw", "-d", dot, "-g", dot, "-a", "MORSE_CW", tmp_path / "audio.raw"
        ).split()  # fmt: skip
        words = said.split()[1:]
        decoded, sent = decoded + sum(word in heard for word in words), sent + len(words)
    tell("morse", kind + " (words)", "multimon-ng", decoded, sent)
