# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a model of single signals as Markdown."""

import math

EXPECTED = {
    "alone": ("at 10 dB and above, alone in the crop", ">= 0.95"),
    "with another": ("at 10 dB and above, another signal in the crop", ">= 0.85"),
    "another in the box": ("of those, another within the box", ""),
    "another beside the box": ("of those, another beside the box alone", ""),
    "0 dB": ("at -3 to 3 dB, alone", ""),
}
MOST_NAMED = 0.01
LEAST_REJECTED = 0.7


def number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def table(head: tuple[str, ...], rows: list[tuple]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def tables(figures: dict) -> str:
    """All tables, each under its heading."""
    parts = [("Summary", summary(figures))]
    rows = [(f"{row['low']} to {row['high']}", row["crops"], number(row["accuracy"])) for row in figures["by_snr"]]
    parts.append(("SNR in the signal's own bandwidth, alone", table(("dB", "crops", "named right"), rows)))
    rows = []
    for row in figures["by_seconds"]:
        name = "whole" if row["seconds"] is None else f"{1e3 * row['seconds']:g} ms"
        rows.append((name, row["crops_cut"], number(row["mean_class_accuracy"])))
    head = ("observed for at most", "crops that are longer", "mean per-class accuracy")
    parts.append(("Observation time, at 10 dB and above, alone", table(head, rows)))
    if figures["views"]:
        rows = [(view, number(value)) for view, value in figures["views"].items()]
        parts.append(("Input, at 10 dB and above, alone", table(("input", "mean per-class accuracy"), rows)))
    parts.append(("Boxes of noise", noise(figures["noise_named"])))
    if figures["open_set"]:
        parts.append(("Technologies that are kept out of training", open_set(figures["open_set"])))
    rows = [(f"{row['score']:.2f}", row["crops"], number(row["right"])) for row in figures["reliability"]]
    parts.append(("Calibration", table(("mean score", "crops", "named right"), rows)))
    rows = [(label, one["crops"], number(one["accuracy"])) for label, one in figures["by_class"].items()]
    parts.append(("Classes, at 10 dB and above, alone", table(("class", "crops", "named right"), rows)))
    rows = [(one["label"], one["named"], one["crops"], number(one["share"])) for one in figures["confusions"]]
    parts.append(("Largest confusions", table(("class", "named", "crops", "share of the class"), rows)))
    return "\n\n".join(f"### {name}\n\n{text}" for name, text in parts)


def summary(figures: dict) -> str:
    accuracy, crops, noise_named = figures["mean_class_accuracy"], figures["crops"], figures["noise_named"]["all"]
    rows = [
        (f"mean per-class accuracy {said}", number(accuracy[name]), wanted, crops[name])
        for name, (said, wanted) in EXPECTED.items()
    ]
    share = number(noise_named["share"])
    rows.append(("boxes of noise named as a signal", share, f"<= {MOST_NAMED}", noise_named["crops"]))
    if figures["open_set"]:
        kept = figures["open_set"]["kept"]
        share = number(kept["mean_technology_rejected"])
        rows.append(("unknown technologies rejected at 5 % of known", share, f">= {LEAST_REJECTED}", crops["unknown"]))
        area = number(figures["open_set"]["auc"])
        rows.append(("area under the ROC curve, known against unknown", area, "", crops["unknown"]))
    judged = sum(row["crops"] for row in figures["reliability"])
    rows.append(("expected calibration error", number(figures["ece"]), "", judged))
    return table(("figure", "value", "expected", "crops"), rows)


def noise(named: dict) -> str:
    said = {"finder": "by the finder", "alert": "by one with low thresholds", "whole": "whole empty bands"}
    rows = [(said.get(name, name), one["crops"], number(one["share"]), counted(one)) for name, one in named.items()]
    return table(("boxes", "crops", "named as a signal", "as what"), rows)


def counted(entry: dict) -> str:
    return ", ".join(f"{label} {count}" for label, count in entry["named"].items())


def open_set(figures: dict) -> str:
    contract, kept = figures["contract"], figures["kept"]
    rows = []
    for name, one in kept["by_technology"].items():
        shares = [number(entry["rejected"]) for entry in (contract["by_technology"][name], one)]
        rows.append((name, one["crops"], *shares, counted(one)))
    means = [number(one["mean_technology_rejected"]) for one in (contract, kept)]
    rows.append(("mean of technologies", sum(one["crops"] for one in kept["by_technology"].values()), *means, ""))
    rows.append(("known signals", "", number(contract["known_rejected"]), number(kept["known_rejected"]), ""))
    rows.append(("threshold", "", number(contract["threshold"]), number(kept["threshold"]), ""))
    head = ("technology", "crops", "rejected by the contract's threshold", "at 5 % of known signals", "named, at 5 %")
    return table(head, rows)


def trees_table(model: dict, trees: dict) -> str:
    rows = [
        (said, number(model["mean_class_accuracy"][name]), number(trees["mean_class_accuracy"][name]))
        for name, (said, _) in EXPECTED.items()
    ]
    named = [number(one["noise_named"]["all"]["share"]) for one in (model, trees)]
    rows.append(("boxes of noise named as a signal", *named))
    if model["open_set"] and trees["open_set"]:
        rejected = [number(one["open_set"]["kept"]["mean_technology_rejected"]) for one in (model, trees)]
        rows.append(("unknown technologies rejected at 5 % of known", *rejected))
    return f"\n### Without the network\n\n{table(('mean per-class accuracy', 'model', 'its trees alone'), rows)}"
