# SPDX-License-Identifier: GPL-3.0-or-later
"""Paging, read by multimon-ng (Debian)."""

import re
import shutil

import numpy as np
import pytest
from receiving import between_silence, discriminated, printed, sixteen_bits, tell

from wfm_core.synth.signals.paging import flex, pocsag
from wfm_core.synth.signals.paging.code import modulated, page

PROGRAM = shutil.which("multimon-ng")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="multimon-ng is not installed (Debian package multimon-ng)"),
]


def read(folder, samples, sample_rate, demodulator, rng) -> str:
    audio = discriminated(between_silence(samples, sample_rate), sample_rate, 22050, rng)
    sixteen_bits(audio, 9000).tofile(folder / "audio.raw")
    return printed(PROGRAM, "-q", "-t", "raw", "-a", demodulator, folder / "audio.raw")


@pytest.mark.parametrize("rate", [512, 1200, 2400])
def test_pocsag(tmp_path, rate):
    rng, decoded, sent = np.random.default_rng(rate), 0, 0
    for _ in range(5):
        pages = [(int(rng.integers(8, 1 << 21)), *page(rng)) for _ in range(4)]
        pages = [(address, kind, text) for address, kind, text in pages if kind != "tone"]
        bits = pocsag.message(pages)
        samples = modulated(1 - 2.0 * bits, rate, pocsag.SAMPLE_RATE, 4500, 2, 0.05)
        lines = read(tmp_path, samples, pocsag.SAMPLE_RATE, f"POCSAG{rate}", rng).splitlines()
        for address, kind, text in pages:
            name = {"numeric": "Numeric", "alpha": "Alpha"}[kind]
            heard = [line for line in lines if re.search(rf"Address: +{address} .*{name}: +{re.escape(text)}", line)]
            decoded, sent = decoded + bool(heard), sent + 1
    tell("pocsag", f"pocsag ({rate})", "multimon-ng", decoded, sent)


@pytest.mark.parametrize("mode", list(flex.MODES))
def test_flex(tmp_path, mode):
    rng, decoded, sent = np.random.default_rng(1), 0, 0
    for _ in range(8):
        phases = [[(int(rng.integers(1, 1933312)), *page(rng))] for _ in range(flex.phases_of(mode))]
        words = [flex.phase_words(pages) for pages in phases]
        number = int(rng.integers(0, 128))
        samples = modulated(
            flex.line_levels(mode, [flex.frame(mode, 3, number, words)]), 3200, flex.SAMPLE_RATE, 4800, 1.5, 0.05
        )
        heard = read(tmp_path, samples, flex.SAMPLE_RATE, "FLEX", rng)
        for name, pages in zip("ABCD" if mode[1] == 4 else "AC", phases, strict=False):
            for address, kind, text in pages:
                line = {
                    "alpha": f"/{name}|03.{number:03d}|{address:09d}|ALN|{text}",
                    "numeric": f"/{name} 03.{number:03d} [{address:09d}] NUM {text}",
                    "tone": f"/{name} 03.{number:03d} [{address:09d}] TON",
                }[kind]
                decoded, sent = decoded + (line in heard), sent + 1
    tell("pocsag", f"flex ({mode[0]}/{mode[1]})", "multimon-ng", decoded, sent)
