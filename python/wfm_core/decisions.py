# SPDX-License-Identifier: GPL-3.0-or-later
"""One decision as JSON: the same from a live flowgraph and from `wfm-evaluate`."""


def decision_json(
    sample_start: int,
    sample_count: int,
    tasks: dict[str, dict],
    rx_time: float | None = None,
    rx_freq: float | None = None,
) -> dict:
    """The mapping of one decision line.

    `sample_start` and `sample_count` say where the window lies (samples), `tasks` is what `Bundle.decide` returned,
    `rx_time` is the radio's time of the first sample (seconds) and `rx_freq` its frequency (Hz); both are left out
    where unknown.
    """
    decision: dict = {"sample_start": int(sample_start), "sample_count": int(sample_count)}
    if rx_time is not None:
        decision["rx_time"] = float(rx_time)
    if rx_freq is not None:
        decision["rx_freq"] = float(rx_freq)
    decision["tasks"] = tasks
    return decision
