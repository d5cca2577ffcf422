# SPDX-License-Identifier: GPL-3.0-or-later
"""The transmitters of a random radio band, by kind."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from wfm_core.synth.emitters import analog, bluetooth, cellular, chirp, digital, lora, nr, remote, wifi, zigbee
from wfm_core.synth.emitters.emission import Emission

__all__ = ["EMITTERS", "Emission", "Emitter"]


@dataclass(frozen=True)
class Emitter:
    """function(samples, sample_rate in Hz, generator) -> Emission; rates: the lowest and highest sensible rate, Hz."""

    function: Callable[[int, float, torch.Generator], Emission]
    rates: tuple[float, float]


EMITTERS = {
    "lte": Emitter(cellular.lte, cellular.RATES),
    "nr": Emitter(nr.nr, nr.RATES),
    "wifi": Emitter(wifi.wifi, wifi.RATES),
    "bluetooth": Emitter(bluetooth.bluetooth, bluetooth.RATES),
    "zigbee": Emitter(zigbee.zigbee, zigbee.RATES),
    "lora": Emitter(lora.lora, lora.RATES),
    "fm": Emitter(analog.fm, analog.RATES),
    "am": Emitter(analog.am, analog.AM_RATES),
    "remote": Emitter(remote.remote, remote.RATES),
    "dsss": Emitter(cellular.dsss, cellular.DSSS_RATES),
    "psk_qam": Emitter(digital.psk_qam, digital.RATES),
    "chirp": Emitter(chirp.chirp, chirp.RATES),
}
