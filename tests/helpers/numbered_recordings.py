# SPDX-License-Identifier: GPL-3.0-or-later
"""Small SigMF recordings in which a sample tells its place."""

import json

import numpy as np


def record(folder, name, samples, channels=1, rate=1e6, breaks=(), values=None):
    """A cf32 recording in which the sample at `n` of channel `c` is n + 1j * c (or `values`); a retune per break."""
    path = folder / f"{name}.sigmf-meta"
    path.parent.mkdir(parents=True, exist_ok=True)
    if values is None:
        values = np.arange(samples)[:, None] + 1j * np.arange(channels)[None]
    values.astype("<c8").tofile(path.with_suffix(".sigmf-data"))
    head = {"core:datatype": "cf32_le", "core:version": "1.2.0", "core:sample_rate": rate}
    captures = [{"core:sample_start": at, "core:frequency": 1e8 + at} for at in (0, *breaks)]
    metadata = {"global": head | {"core:num_channels": channels}, "captures": captures, "annotations": []}
    path.write_text(json.dumps(metadata))
