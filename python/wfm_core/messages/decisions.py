# SPDX-License-Identifier: GPL-3.0-or-later
"""One decision as JSON: the same from a live flowgraph and from `wfm-evaluate`."""

import math


def decision_json(
    sample_start: int,
    sample_count: int,
    tasks: dict[str, dict],
    rx_time: tuple[int, float] | None = None,
    rx_freq: float | None = None,
    band: dict[str, float | None] | None = None,
    origin: str = "",
) -> dict:
    """The mapping of one decision line.

    `sample_start` and `sample_count` say where the window lies (samples), `tasks` is what `Bundle.decide` returned,
    `rx_time` is the radio's time of the first sample (whole seconds, fraction) and `rx_freq` its frequency (Hz); both
    are left out where unknown, and so is what is None in `band`: freq_lower_edge, freq_upper_edge (Hz) and snr_db of
    one signal in the band; and `origin`, the engine and number format that decided, where it is "".
    """
    decision: dict = {"sample_start": int(sample_start), "sample_count": int(sample_count)}
    if rx_time is not None:
        decision["rx_time"] = time_json(rx_time)
    if rx_freq is not None:
        decision["rx_freq"] = float(rx_freq)
    decision.update({name: float(value) for name, value in (band or {}).items() if value is not None})
    if origin:
        decision["origin"] = origin
    decision["tasks"] = tasks
    return decision


def time_json(rx_time: tuple[int, float]) -> list:
    """`[seconds, fraction]` with the fraction in [0, 1): one float would hold only 2.4e-7 s of the time since 1970."""
    seconds, fraction = int(rx_time[0]), float(rx_time[1])
    whole = math.floor(fraction)
    fraction -= whole
    if fraction >= 1.0:  # a tiny negative fraction rounds up to a whole second
        return [seconds + whole + 1, 0.0]
    return [seconds + whole, fraction]


def plain_json(value):
    """`value` in JSON's own types; numbers that JSON cannot hold (infinities, NaN) become None."""
    if isinstance(value, dict):
        return {str(key): plain_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(entry) for entry in value]
    if hasattr(value, "tolist"):
        return plain_json(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
