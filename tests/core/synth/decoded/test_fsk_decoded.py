# SPDX-License-Identifier: GPL-3.0-or-later
"""rtl_433 reads the FSK telemetry that we generate."""

from dataclasses import replace

import numpy as np
import pytest
import rtl433

from wfm_core.synth.signals.telemetry import FSK_LINKS
from wfm_core.synth.signals.telemetry.radio import as_built, burst, symbols_of

pytestmark = [pytest.mark.slow, pytest.mark.skipif(rtl433.PROGRAM is None, reason="rtl_433 is not installed")]

PACKETS = 5
MODELS = {
    "wmbus-t": "Wireless-MBus", "wmbus-c": "Wireless-MBus", "wmbus-s": "Wireless-MBus",
    "bresser-5in1": "Bresser-5in1", "bresser-6in1": "Bresser-6in1", "bresser-7in1": "Bresser-7in1",
    "lacrosse-tx29": "LaCrosse-TX29IT", "lacrosse-tx35": "LaCrosse-TX35DTHIT", "fineoffset-wh24": "Fineoffset-WH24",
    "fineoffset-wh31": "AmbientWeather-WH31E", "danfoss": "Danfoss-CFR", "tpms-toyota": "Toyota",
    "tpms-citroen": "Citroen", "tpms-ford": "Ford", "tpms-renault": "Renault", "io-homecontrol": "Somfy-IOHC",
    "evohome": "Honeywell-CM921",
}  # fmt: skip
HEX_NAMES = {"status": "", "pressure": ""}
NAMES = {
    "wmbus-t": {"type": "", "data": ""}, "wmbus-c": {"type": "", "data": ""}, "wmbus-s": {"type": "", "data": ""},
    "bresser-5in1": {"battery_ok": ""}, "bresser-6in1": {"id": ""}, "io-homecontrol": {"mac": ""},
    "evohome": {"data": ""}, "fineoffset-wh24": {"uv": "uv"},
    **dict.fromkeys(("tpms-toyota", "tpms-citroen", "tpms-ford", "tpms-renault"), HEX_NAMES),
}  # fmt: skip


@pytest.mark.parametrize("link", [one for one in FSK_LINKS if one.kind in MODELS], ids=lambda one: one.kind)
def test_rtl_433_reads_it(link, tmp_path):
    read = 0
    for seed in range(PACKETS):
        rng = np.random.default_rng([seed, 23])
        content = link.content(rng)
        modem = as_built(link.modem(rng) if callable(link.modem) else link.modem, rng)
        wide = modem.deviation + modem.symbol_rate
        per_symbol = round((250e3 if wide < 30e3 else 1e6 if wide < 95e3 else 1.6e6) / modem.symbol_rate)
        rate = round(modem.symbol_rate * per_symbol)
        one = burst(symbols_of(link.frame(**content)), replace(modem, symbol_rate=rate / per_symbol), rate)
        quiet = np.zeros(round(0.04 * rate), complex)
        path = tmp_path / "packet.cu8"
        rtl433.write_cu8(path, np.concatenate([quiet, one, quiet]), rate, rng, offset=rng.uniform(-20e3, 20e3))
        # It picks one of its two detectors by the band, which such a file does not tell.
        seen = rtl433.read(path, rate, "-Y", "classic") + rtl433.read(path, rate, "-Y", "minmax")
        seen = [message for message in seen if message["model"] == MODELS[link.kind]]
        names = NAMES.get(link.kind, {})
        if link.kind.startswith("tpms"):
            content["id"] = f"{content['id'] & 0xFFFFFF:06x}" if link.kind == "tpms-renault" else f"{content['id']:08x}"
        read += any(rtl433.agrees(message, content, names) for message in seen)
    print(f"decoded: fsk/{link.kind} by rtl_433: {read} of {PACKETS}")
    assert read >= 0.8 * PACKETS
