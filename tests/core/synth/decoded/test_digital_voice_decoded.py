# SPDX-License-Identifier: GPL-3.0-or-later
"""Digital voice, read by dsdcc (Debian)."""

import shutil

import numpy as np
import pytest
from receiving import between_silence, discriminated, printed, sixteen_bits, tell

from wfm_core.synth.signals.content import call_sign
from wfm_core.synth.signals.voice import dmr, dpmr, dstar, nxdn, ysf
from wfm_core.synth.signals.voice.four_level import PER_SYMBOL, levels, modulated, vocoder

PROGRAM = shutil.which("dsdccx")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="dsdccx is not installed (Debian package dsdcc)"),
]
CALLS = 8


def read(folder, samples, sample_rate, deviation, option, rng) -> str:
    """Lines of the log that dsdcc writes of what it decodes."""
    audio = discriminated(between_silence(samples, sample_rate), sample_rate, 48000, rng)
    recording, log = folder / "audio.raw", folder / "log"
    sixteen_bits(np.append(audio, np.zeros(9600)), 2.5 * deviation).tofile(recording)
    log.unlink(missing_ok=True)
    printed(PROGRAM, option, "-T", "3", "-n", "-o", "/dev/null", "-i", recording, "-M", log, "-m", "0.001")
    return log.read_text(errors="replace") if log.exists() else ""


def four_level(bits, symbol_rate, deviation):
    return modulated(levels(bits), symbol_rate, deviation), PER_SYMBOL * symbol_rate


def test_dmr_base(tmp_path):
    rng, decoded = np.random.default_rng(1), 0
    for _ in range(CALLS):
        colour, source, target = (int(rng.integers(0, top)) for top in (16, 1 << 24, 1 << 24))
        control = dmr.link_control(True, source, target)
        call = [dmr.link_burst(control, dmr.VOICE_HEADER, "bs_data", colour)] * 2
        for _ in range(4):
            call += dmr.superframe(control, "bs_voice", colour, vocoder(18, 72, dmr.SILENCE, rng))
        call.append(dmr.link_burst(control, dmr.TERMINATOR, "bs_data", colour))
        slot = [dmr.idle_burst(colour)] * 8 + call
        bits = dmr.base_bits([slot, [dmr.idle_burst(colour)] * len(slot)], rng)
        samples, rate = four_level(bits, 4800, dmr.DEVIATION)
        log = read(tmp_path, samples, rate, dmr.DEVIATION, "-fr", rng)
        decoded += f"{colour:02d} VOX {source:08d}>G{target:08d}" in log and f"{colour:02d} IDL" in log
    tell("digital-voice", "dmr", "dsdcc", decoded, CALLS)


def test_dmr_mobile(tmp_path):
    rng, decoded = np.random.default_rng(2), 0
    for _ in range(CALLS):
        colour, source, target = (int(rng.integers(0, top)) for top in (16, 1 << 24, 1 << 24))
        control = dmr.link_control(True, source, target)
        call = [dmr.link_burst(control, dmr.VOICE_HEADER, "ms_data", colour)] * 2
        for _ in range(8):
            call += dmr.superframe(control, "ms_voice", colour, vocoder(18, 72, dmr.SILENCE, rng))
        samples = dmr.on_one_slot(call, dmr.DEVIATION, 0.5e-3, rng)
        log = read(tmp_path, samples, PER_SYMBOL * 4800, dmr.DEVIATION, "-fr", rng)
        decoded += f"VOX {source:08d}>G{target:08d}" in log
    tell("digital-voice", "dmr (mobile)", "dsdcc", decoded, CALLS, 0.75)


def test_dstar(tmp_path):
    rng, decoded = np.random.default_rng(3), 0
    for _ in range(CALLS):
        my, repeater = call_sign(rng), call_sign(rng)
        head = dstar.header(0x40, repeater.ljust(7) + "G", repeater.ljust(7) + "B", "CQCQCQ", my, "ID51")
        message = f"MESSAGE {rng.integers(0, 10**6):06d}"
        bits = dstar.over(128, head, dstar.voice(60, message, rng))
        samples = dstar.modulated(bits, dstar.DEVIATION, 1e-3)
        log = read(tmp_path, samples, dstar.PER_BIT * dstar.BIT_RATE, dstar.DEVIATION, "-fd", rng)
        decoded += f"{my:8s}/ID51>CQCQCQ  |{repeater:7s}B>{repeater:7s}G|{message}" in log
    tell("digital-voice", "dstar", "dsdcc", decoded, CALLS)


def test_dpmr(tmp_path):
    rng, decoded = np.random.default_rng(4), 0
    for _ in range(CALLS):
        called, own = (int(rng.integers(0, 1 << 24)) for _ in range(2))
        colour = np.stack([rng.integers(0, 2, 12, dtype=np.uint8), np.ones(12, np.uint8)], 1).ravel()
        speech = vocoder(64, 72, dpmr.SILENCE, rng).reshape(4, 4, 288)
        frames = [dpmr.superframe(called, own, 0, colour, words, np.zeros(18, np.uint8)) for words in speech]
        bits = np.concatenate([dpmr.header(called, own, 0, colour, 160), *frames, dpmr.end(rng)])
        samples, rate = four_level(bits, 2400, dpmr.DEVIATION)
        log = read(tmp_path, samples, rate, dpmr.DEVIATION, "-fm", rng)
        decoded += f"OI: {own:08d} CI: {called:08d}" in log
    tell("digital-voice", "dpmr", "dsdcc", decoded, CALLS)


@pytest.mark.parametrize(
    "name, symbol_rate, deviation, option", [("nxdn", 2400, 1050, "-fi"), ("nxdn (9600)", 4800, 2400, "-fn")]
)
def test_nxdn(tmp_path, name, symbol_rate, deviation, option):
    rng, decoded = np.random.default_rng(5), 0
    for _ in range(CALLS):
        access, source, target = (int(rng.integers(1, top)) for top in (64, 65520, 65520))
        bits = nxdn.call(24, access, 0, rng, source, target)
        samples, rate = four_level(bits, symbol_rate, deviation)
        log = read(tmp_path, samples, rate, deviation, option, rng)
        decoded += f"RT {access:02d} 01 {source:05d}>G{target:05d}" in log
    tell("digital-voice", name, "dsdcc", decoded, CALLS, 0.75)


def test_ysf(tmp_path):
    rng, decoded = np.random.default_rng(6), 0
    for _ in range(CALLS):
        my, repeater = call_sign(rng), call_sign(rng)
        bits = ysf.call(12, ysf.MODE_2, ["*" * 10, my, repeater, repeater], 0, rng)
        samples, rate = four_level(bits, 4800, ysf.DEVIATION)
        log = read(tmp_path, samples, rate, ysf.DEVIATION, "-fy", rng)
        decoded += f"V2 GC 0:6 WL000|{my:10s}>**********|{repeater:10s}>{repeater:10s}" in log
    tell("digital-voice", "ysf", "dsdcc", decoded, CALLS)
