# SPDX-License-Identifier: GPL-3.0-or-later
"""A foundation of both modalities that is small enough for tests."""

SPECTROGRAM = {
    "kind": "spectrogram",
    "fft_size": 32,
    "hop": 32,
    "size": [32, 32],
    "minimum": -60.0,
    "maximum": 20.0,
    "mean": 0.5,
    "std": 0.2,
}
DESCRIPTION = {
    "name": "tiny",
    "encoder": {"width": 16, "depth": 1, "heads": 2, "mlp_hidden": 32},
    "affine": "before",
    "modalities": {
        "iq": {"antennas": 1, "signal": {"kind": "iq_rms"}},
        "image": {"channels": 1, "size": [32, 32], "signal": SPECTROGRAM},
    },
}
