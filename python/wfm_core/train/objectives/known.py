# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be known of a generated window, as targets: classes, things that are present or not, numbers.

A class is int64 [B], -1 where it is not known. Presence is float32 of 0 and 1, numbers are scaled to a spread of about
1 (`train.pretrain.causes` says how), both [B, size], NaN where not known. Those of places are [B, places, size]: time
steps of IQ, or patches of images row by row.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from wfm_core.synth.csi.activities import ACTIVITIES
from wfm_core.synth.emitters import EMITTERS
from wfm_core.synth.modulation import MODULATIONS
from wfm_core.synth.scenes.band import MOST_EMITTERS
from wfm_core.synth.scenes.interference import LABELS
from wfm_core.synth.scenes.links import FLAWS, TRANSMITTERS

UNKNOWN = -1
"""Instead of a class."""


@dataclass(frozen=True)
class Cause:
    """kind: "class" of `size` ones, "presence" of `size` things, `size` "number"s; at_places: of each token's place."""

    kind: str
    size: int = 1
    at_places: bool = False

    def unknown(self, count: int, places: int, device: torch.device) -> Tensor:
        """Targets of `count` windows with so many places, of which nothing is known."""
        if self.kind == "class":
            return torch.full((count,), UNKNOWN, device=device)
        shape = (count, places, self.size) if self.at_places else (count, self.size)
        return torch.full(shape, torch.nan, device=device)


_IQ = {
    # of bands
    "kinds": Cause("presence", len(EMITTERS)),
    "kinds_at": Cause("presence", len(EMITTERS), at_places=True),
    "emitters": Cause("class", MOST_EMITTERS + 1),
    "snr": Cause("number"),
    "edges": Cause("number", 2),
    "sample_rate": Cause("number"),
    # of links
    "modulation": Cause("class", len(MODULATIONS)),
    "symbol_rate": Cause("number"),
    "carrier_offset": Cause("number"),
    "flaws": Cause("number", len(FLAWS)),
    "transmitter": Cause("class", TRANSMITTERS),
    "interference": Cause("class", len(LABELS)),
    "sir": Cause("number"),
}
_CSI = {
    "activity": Cause("class", len(ACTIVITIES)),
    "people": Cause("class", 4),
    "position": Cause("number", 3),
    "room": Cause("number", 3),
    "speed": Cause("number"),
    "delay_spread": Cause("number"),
    "doppler_spread": Cause("number"),
    "angle_of_arrival": Cause("number"),
    "line_of_sight": Cause("class", 2),
    "csi_snr": Cause("number"),
    "carrier": Cause("number"),
    "packet_rate": Cause("number"),
}

CAUSES: dict[str, dict[str, Cause]] = {"iq": _IQ, "image": _IQ | _CSI}
"""Of each modality, by name; the SNR of CSI is over its packets, and has a name of its own."""
