# SPDX-License-Identifier: GPL-3.0-or-later
"""rtl_433 reads the remotes and sensors that we generate."""

import numpy as np
import pytest
import rtl433

from wfm_core.synth.signals.telemetry import OOK_PROTOCOLS
from wfm_core.synth.signals.telemetry.keyer import keyed_signal, oscillator
from wfm_core.synth.signals.telemetry.remotes import learning_code, tristate

pytestmark = [pytest.mark.slow, pytest.mark.skipif(rtl433.PROGRAM is None, reason="rtl_433 is not installed")]

PRESSES = 5
MODELS = {
    "nexus": "Nexus-TH", "rubicson": "Rubicson-Temperature", "auriol": "Nexus-T", "prologue": "Prologue-TH",
    "alecto": "AlectoV1-Temperature", "tfa-twin-plus": "TFA-TwinPlus", "infactory": "inFactory-TH",
    "thermopro-tp11": "Thermopro-TP11", "acurite-tower": "Acurite-Tower", "fineoffset-wh2": "Fineoffset-WH2",
    "lacrosse-tx": "LaCrosse-TX", "lacrosse-tx141": "LaCrosse-TX141THBv2", "bresser-3ch": "Bresser-3CH",
    "calibeur": "Calibeur-RF104", "oregon-v1": "Oregon-v1", "oregon-v2": "Oregon-THGR122N",
    "oregon-v3": "Oregon-THGR810", "ambient-f007th": "Ambientweather-F007TH", "hideki": "Hideki-TS04",
    "wt450": "WT450-TH", "chuango": "Chuango-Security", "akhan": "Akhan-100F14", "waveman": "Waveman-Switch",
    "brennenstuhl": "Brennenstuhl-RCS2044", "kaku": "Proove-Security", "silvercrest": "Silvercrest-Remote",
    "ht680": "HT680-Remote", "cardin": "Cardin-S466", "somfy-rts": "Somfy-RTS", "markisol": "Markisol",
    "megacode": "Megacode-Remote", "regency-fan": "Regency-Remote", "security-plus": "Secplus-v1",
    "gs558": "Smoke-GS558", "x10": "X10-RF", "dsc": "DSC-Security", "dsc-ws4945": "DSC-Security",
    "honeywell": "Honeywell-Security", "interlogix": "Interlogix-Security", "visonic": "Visonic-Powercode",
    "ert-scm": "ERT-SCM", "enocean": "EnOcean-ERP1", "ev1527": "code", "pt2262": "code",
}  # fmt: skip
OPTIONS = {"brennenstuhl": ["-R", "24"], "enocean": ["-R", "198"]}
NAMES = {
    "dsc": {"esn": "id"}, "dsc-ws4945": {"esn": "id"}, "somfy-rts": {"address": "id", "control": "", "seed": ""},
    "kaku": {"unit": ""}, "oregon-v2": {"channel": ""}, "regency-fan": {"command": "", "value": ""},
    "markisol": {"control": ""}, "chuango": {"cmd": "cmd_id"}, "interlogix": {"id": ""}, "visonic": {"id": ""},
}  # fmt: skip


def sample_rate(durations) -> float:
    shortest = durations[:-1].min()
    return 2e6 if shortest < 12e-6 else 1e6 if shortest < 60e-6 else 250e3


def code_seen(path, rate, durations, content) -> bool:
    """Encoders of any speed, by rtl_433's flex decoder."""
    unit = 1e6 * durations[:-1].min()
    flex = f"n=any,m=OOK_PWM,s={unit:.0f},l={3 * unit:.0f},r={10 * unit:.0f},t={unit * 0.6:.0f},bits=25"
    bits = tristate(content["code"]) if "code" in content else learning_code(content["id"], content["cmd"])
    sent = "".join(str(1 - bit) for bit in bits) + "1"
    expected = f"{int(sent.ljust(28, '0'), 2):07x}"
    seen = rtl433.read(path, rate, "-R", "0", "-X", flex)
    return any(row["data"] == expected for message in seen for row in message["rows"])


@pytest.mark.parametrize("protocol", [one for one in OOK_PROTOCOLS if one.kind in MODELS], ids=lambda one: one.kind)
def test_rtl_433_reads_it(protocol, tmp_path):
    read = 0
    for seed in range(PRESSES):
        rng = np.random.default_rng([seed, 17])
        content = protocol.content(rng)
        durations = protocol.press(content, rng) * (1 + np.clip(rng.normal(0, protocol.tolerance), -0.04, 0.04))
        rate = sample_rate(durations)
        how = oscillator(durations[:-1].min(), rng)
        samples = keyed_signal(durations, rate, -0.03, int((durations.sum() + 0.08) * rate), how, rng)
        path = tmp_path / "press.cu8"
        rtl433.write_cu8(path, samples, rate, rng, offset=rng.uniform(-0.1, 0.1) * 250e3)
        if MODELS[protocol.kind] == "code":
            read += code_seen(path, rate, durations, content)
            continue
        seen = rtl433.read(path, rate, *OPTIONS.get(protocol.kind, []))
        names = NAMES.get(protocol.kind, {})
        read += any(m["model"] == MODELS[protocol.kind] and rtl433.agrees(m, content, names) for m in seen)
    print(f"decoded: ook/{protocol.kind} by rtl_433: {read} of {PRESSES}")
    assert read >= 0.8 * PRESSES
