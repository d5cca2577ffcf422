# SPDX-License-Identifier: GPL-3.0-or-later
"""RML22: the 11 modulations of RadioML 2016 with realistic channels, frames of 128 samples (task `modulation`).

`RML22.01A`, 1000 frames of each modulation from -20 to 20 dB, is a pickle, which `wfm_core.data.pickle_file` reads
without running it. V. Sathyanarayanan, P. Gerstoft and A. El Gamal, "RML22: Realistic Dataset Generation for Wireless
Modulation Classification", IEEE Transactions on Wireless Communications 22 (2023);
https://github.com/venkateshsathya/RML22, whose generator states the sample rate, 8 samples of a symbol of 71.3 us.
"""

from pathlib import Path

from wfm_core.data.readers.public.modulations import read_pickles

STD = (2.925, 2.924)
"""Of I and Q, as the WavesFM v1 authors took them."""
SAMPLE_RATE = 112.2e3
_CONTENT = "RML22.01A"


def read(folder: Path, out: Path, *, min_snr: float | None = None, per_class: int = 0) -> Path:
    """All frames of `min_snr` dB or more, or the first `per_class` of each modulation at each SNR.

    Groups: `file`, `snr_db`.
    """
    return read_pickles(
        "rml22",
        folder,
        out,
        _CONTENT,
        ("**/RML22.0*",),
        signal={"kind": "iq_standard", "mean": [0.0, 0.0], "std": list(STD), "level": "absolute"},
        sample_rate=SAMPLE_RATE,
        min_snr=min_snr,
        per_class=per_class,
    )
