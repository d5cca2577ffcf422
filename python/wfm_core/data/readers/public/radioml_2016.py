# SPDX-License-Identifier: GPL-3.0-or-later
"""RadioML 2016.10a: 11 modulations at 20 SNRs, frames of 128 samples, one antenna (task `modulation`).

`RML2016.10a_dict.pkl`, 1000 frames of each modulation from -20 to 18 dB, is a pickle, which
`wfm_core.data.pickle_file` reads without running it; `RML2016.10b.dat` is laid out alike, without AM-SSB. T. O'Shea
and N. West, "Radio Machine Learning Dataset Generation with GNU Radio", GNU Radio Conference 2016;
https://www.deepsig.ai/datasets. The set states no unit, and its paper (about 1 MHz) and its generator (200 kHz)
differ about the sample rate, which is left open.
"""

from pathlib import Path

from wfm_core.data.readers.public.modulations import read_pickles

STD = (0.0058, 0.0062)
"""Of I and Q, as the WavesFM v1 authors took them."""
_CONTENT = "RML2016.10a_dict.pkl (or RML2016.10b.dat)"


def read(folder: Path, out: Path, *, min_snr: float | None = None, per_class: int = 0) -> Path:
    """All frames of `min_snr` dB or more, or the first `per_class` of each modulation at each SNR.

    Groups: `file`, `snr_db`.
    """
    return read_pickles(
        "radioml-2016",
        folder,
        out,
        _CONTENT,
        ("**/RML2016.10*.pkl", "**/RML2016.10*.dat"),
        signal={"kind": "iq_standard", "mean": [0.0, 0.0], "std": list(STD), "level": "absolute"},
        sample_rate=None,
        min_snr=min_snr,
        per_class=per_class,
    )
