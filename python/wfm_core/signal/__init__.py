# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a window before the tokens: normalisation and images, the same in training and live."""

import math

from torch import nn

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened
from wfm_core.signal.channels.beam_image import BeamImage
from wfm_core.signal.channels.csi_profile import CsiProfile
from wfm_core.signal.channels.pilot_grid import PilotGrid
from wfm_core.signal.covariance import Covariance
from wfm_core.signal.csi import CsiImage
from wfm_core.signal.found import FoundSignal
from wfm_core.signal.images import CyclicImage
from wfm_core.signal.iq import IqRms, IqStandard
from wfm_core.signal.modulation_image import ModulationImage
from wfm_core.signal.motion import CsiMotion
from wfm_core.signal.resized import Spectrogram, StandardImage
from wfm_core.signal.transmitter import Transmitter

MOST = 1 << 22
"""Samples, pixels or bins that a setting may be; whole numbers beyond it are refused."""

KINDS = {
    "iq_rms": IqRms,
    "cyclic_image": CyclicImage,
    "iq_standard": IqStandard,
    "spectrogram": Spectrogram,
    "standard_image": StandardImage,
    "csi_image": CsiImage,
    "csi_profile": CsiProfile,
    "csi_motion": CsiMotion,
    "found_signal": FoundSignal,
    "transmitter": Transmitter,
    "covariance": Covariance,
    "beam_image": BeamImage,
    "modulation_image": ModulationImage,
    "pilot_grid": PilotGrid,
}


def build_preprocessor(settings: dict) -> nn.Module:
    """The scriptable module that a contract's `signal:` mapping names (`kind` and that module's parameters)."""
    parameters = dict(settings)
    kind = parameters.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise WfmError(f"signal kind {shortened(kind)} is not known; expected one of {', '.join(KINDS)}")
    try:
        if not _plain(parameters):
            raise ValueError(f"a value that is not a number of at most {MOST}, a short text or a list of these")
        return KINDS[kind](**parameters)
    except (TypeError, ValueError, LookupError, RuntimeError, ArithmeticError, MemoryError) as error:
        said = " ".join(str(error).split())[:200]
        shown = shortened(settings)
        raise WfmError(f"signal settings {shown} do not fit {kind!r}: {said}; fix the contract") from error


def _plain(value, depth: int = 0) -> bool:
    """Whether a setting of a contract can be given to a module without memory that nobody has."""
    if isinstance(value, dict):
        return depth == 0 and all(isinstance(name, str) and _plain(one, 1) for name, one in value.items())
    if isinstance(value, list | tuple):
        return depth < 4 and all(_plain(one, depth + 1) for one in value)
    if isinstance(value, str):
        return len(value) <= 64
    if isinstance(value, int):
        return abs(value) <= MOST
    return value is None or (isinstance(value, float) and math.isfinite(value))
