# SPDX-License-Identifier: GPL-3.0-or-later
"""Cellular networks, and direct-sequence transmitters."""

from wfm_core.synth.signals.cellular import gsm, lte_uplink, nbiot_downlink, spread, uplink, wcdma, wideband
from wfm_core.synth.signals.transmission import Generator

KINDS: dict[str, dict[str, Generator]] = {
    "cellular": {
        "gsm": gsm.gsm_control,
        "gsm-traffic": gsm.gsm_traffic,
        "gsm-uplink": gsm.gsm_uplink,
        "lte": wideband.lte,
        "nr": wideband.nr,
        "lte-uplink": lte_uplink.lte_uplink,
        "lte-pucch": lte_uplink.lte_control_uplink,
        "lte-prach": lte_uplink.lte_access,
        "nb-iot": uplink.nbiot_uplink,
        "nb-iot-downlink": nbiot_downlink.nbiot_downlink,
        "c-v2x": uplink.sidelink,
        "wcdma": wcdma.wcdma,
    },
    "dsss": {"dsss": spread.dsss},
}
