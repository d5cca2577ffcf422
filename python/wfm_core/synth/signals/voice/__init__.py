# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech by two-way radio: digital voice of all common standards, and narrow-band FM."""

from wfm_core.synth.signals.transmission import Generator
from wfm_core.synth.signals.voice import dmr, dpmr, dstar, nbfm, nxdn, p25, tetra, ysf

KINDS: dict[str, dict[str, Generator]] = {
    "digital-voice": {
        "dmr": dmr.dmr, "dstar": dstar.dstar, "p25": p25.p25, "dpmr": dpmr.dpmr, "nxdn": nxdn.nxdn,
        "tetra": tetra.tetra, "ysf": ysf.ysf,
    },
    "nbfm": {"nbfm-12k5": nbfm.narrow, "nbfm-25k": nbfm.wide, "repeater": nbfm.repeater},
}  # fmt: skip
