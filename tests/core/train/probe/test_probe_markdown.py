# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe's table in Markdown."""

from wfm_core.train.probe.markdown import markdown_table


def line(contender, regime, budget, mean, spread=0.0, task="tones"):
    return {
        "task": task,
        "protocol": "closed set",
        "budget": budget,
        "contender": contender,
        "regime": regime,
        "classes": 3,
        "mean": mean,
        "spread": spread,
    }


def test_the_best_is_bold_and_ties_are_both():
    summary = [
        line("mine", "frozen", 5, 0.71234, 0.012),
        line("mine", "frozen", "all", 0.9),
        line("from scratch", "scratch", 5, 0.6),
        line("from scratch", "scratch", "all", 0.9002, 0.0001),
        line("forest", "forest", 5, 0.1, task="other"),
    ]
    assert markdown_table(summary).splitlines() == [
        "|  | labels per class | 5 | all |",
        "|---|---|---|---|",
        "| tones (3, closed set) | mine: frozen, linear | **71.2 +- 1.2** | **90.0** |",
        "|  | from scratch | 60.0 | **90.0** |",
        "| other (3, closed set) | forest | **10.0** | - |",
    ]
