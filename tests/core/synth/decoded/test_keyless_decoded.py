# SPDX-License-Identifier: GPL-3.0-or-later
"""rtl_433 reads the keys of cars and gates that we generate."""

from dataclasses import replace

import numpy as np
import pytest
import rtl433

from wfm_core.synth.signals.bits import bits_to_number
from wfm_core.synth.signals.telemetry import keyless
from wfm_core.synth.signals.telemetry.keyer import keyed_signal, oscillator
from wfm_core.synth.signals.telemetry.radio import as_built, burst, symbols_of

pytestmark = [pytest.mark.slow, pytest.mark.skipif(rtl433.PROGRAM is None, reason="rtl_433 is not installed")]

PRESSES = 5


def _hopping(content) -> dict:
    # Of the serial number rtl_433 22.11 prints the highest digits over others; the hopping code is right.
    hop = bits_to_number(keyless.keeloq(**content)[:32][::-1])
    return {"encrypted": f"{hop:08X}"}


@pytest.mark.parametrize("kind", ["keeloq-gate", "ford"])
def test_rtl_433_reads_on_off_keys(kind, tmp_path):
    protocol = next(one for one in keyless.PROTOCOLS if one.kind == kind)
    read = 0
    for seed in range(PRESSES):
        rng = np.random.default_rng([seed, 29])
        content = protocol.content(rng)
        durations = protocol.press(content, rng) * (1 + np.clip(rng.normal(0, protocol.tolerance), -0.02, 0.02))
        how = oscillator(durations[:-1].min(), rng)
        samples = keyed_signal(durations, 250e3, -0.03, int((durations.sum() + 0.08) * 250e3), how, rng)
        rtl433.write_cu8(tmp_path / "key.cu8", samples, 250e3, rng, offset=rng.uniform(-25e3, 25e3))
        model = {"keeloq-gate": "Microchip-HCS200", "ford": "Ford-CarRemote"}[kind]
        expected = _hopping(content) if kind == "keeloq-gate" else {"id": content["id"]}
        seen = rtl433.read(tmp_path / "key.cu8", 250e3)
        read += any(m["model"] == model and rtl433.agrees(m, expected, {}) for m in seen)
    print(f"decoded: keyless/{kind} by rtl_433: {read} of {PRESSES}")
    assert read >= 0.8 * PRESSES


def test_rtl_433_reads_keeloq_in_fsk(tmp_path):
    link = next(one for one in keyless.LINKS if one.kind == "keeloq-fsk")
    read = 0
    for seed in range(PRESSES):
        rng = np.random.default_rng([seed, 31])
        content = link.content(rng)
        modem = as_built(link.modem, rng)
        rate = round(modem.symbol_rate * 100)
        one = burst(symbols_of(link.frame(**content)), replace(modem, symbol_rate=rate / 100), rate)
        quiet = np.zeros(round(0.04 * rate), complex)
        rtl433.write_cu8(tmp_path / "key.cu8", np.concatenate([quiet, one, quiet]), rate, rng)
        seen = rtl433.read(tmp_path / "key.cu8", rate, "-Y", "classic")
        seen += rtl433.read(tmp_path / "key.cu8", rate, "-Y", "minmax")
        read += any(m["model"] == "Microchip-HCS200" and rtl433.agrees(m, _hopping(content), {}) for m in seen)
    print(f"decoded: keyless/keeloq-fsk by rtl_433: {read} of {PRESSES}")
    assert read >= 0.8 * PRESSES
