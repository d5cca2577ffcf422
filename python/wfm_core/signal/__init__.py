# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a window before the tokens: normalisation and images, the same in training and live."""

from torch import nn

from wfm_core.errors import WfmError
from wfm_core.signal.csi import CsiImage
from wfm_core.signal.images import CyclicImage
from wfm_core.signal.iq import IqRms, IqStandard
from wfm_core.signal.resized import Spectrogram, StandardImage

KINDS = {
    "iq_rms": IqRms,
    "cyclic_image": CyclicImage,
    "iq_standard": IqStandard,
    "spectrogram": Spectrogram,
    "standard_image": StandardImage,
    "csi_image": CsiImage,
}


def build_preprocessor(settings: dict) -> nn.Module:
    """The scriptable module that a contract's `signal:` mapping names (`kind` and that module's parameters)."""
    parameters = dict(settings)
    kind = parameters.pop("kind", None)
    if kind not in KINDS:
        raise WfmError(f"signal kind {kind!r} is not known; wanted one of {', '.join(KINDS)}")
    try:
        return KINDS[kind](**parameters)
    except TypeError as error:
        raise WfmError(f"signal settings {settings} do not fit {kind!r}: {error}; mend the contract") from error
