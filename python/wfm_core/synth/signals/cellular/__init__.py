# SPDX-License-Identifier: GPL-3.0-or-later
"""Cellular networks, and direct-sequence transmitters."""

from wfm_core.synth.signals.cellular import gsm, spread, uplink, wcdma, wideband
from wfm_core.synth.signals.transmission import Generator

KINDS: dict[str, dict[str, Generator]] = {
    "cellular": {
        "gsm": gsm.gsm_control,
        "gsm-traffic": gsm.gsm_traffic,
        "gsm-uplink": gsm.gsm_uplink,
        "lte": wideband.lte,
        "nr": wideband.nr,
        "lte-uplink": uplink.lte_uplink,
        "nb-iot": uplink.nbiot_uplink,
        "c-v2x": uplink.sidelink,
        "wcdma": wcdma.wcdma,
    },
    "dsss": {"dsss": spread.dsss},
}
