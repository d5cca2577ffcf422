# SPDX-License-Identifier: GPL-3.0-or-later
"""One text table: published results, then those of our runs with the data and the split they were measured on."""

from dataclasses import dataclass
from pathlib import Path

from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file
from wfm_core.base.json_text import read_json
from wfm_core.base.quantities import QUANTITIES
from wfm_core.base.yaml_text import BYTES_LIMIT, read_yaml
from wfm_core.evaluate.published import COLUMNS, NOTES, ROWS

FIGURES = "figures.json"
FIGURES_LIMIT = 16 << 20
_ACCURACY = {"fingerprint": "RFP", "activity": "HAS", "classification": "RFS"}
_DENSE = {"nmse_db": "NMSE {:.2f} dB", "mean_iou": "mean IoU {:.3f}"}
_FIGURES = (
    "mean_class_accuracy",
    "intd",
    "trustworthiness",
    *_DENSE,
    *(f"mean_{quantity.unit}" for quantity in QUANTITIES.values()),
)
_REGIMES = {"lp": "LP", "ft2": "FT2", "lora": "LoRA"}
_WIDE = 38  # characters of a row's name


@dataclass(frozen=True)
class OurRow:
    """A finished run: `values` by column as in the table; `other` is a figure of a task that has no column.

    `kind` says whether the data are `real` or `synthetic`, `measured` which they are and how they were split.
    """

    name: str
    regime: str
    kind: str
    measured: str
    values: dict[str, str]
    other: str


def find_runs(root: Path) -> list[Path]:
    """The folders under `root` that hold the figures of a task, sorted."""
    return [path.parent for path in sorted(root.glob(f"**/{FIGURES}")) if _tasks(_read(path))]


def read_row(folder: Path) -> OurRow:
    """The row of a run. Raises `WfmError` where it has no figures of a task."""
    path = folder / FIGURES
    if not path.is_file():
        raise WfmError(f"{folder} has no {FIGURES}: the run is incomplete; finish it with wfm-finetune --resume")
    figures = _read(path)
    if not _tasks(figures):
        raise WfmError(f"{path} holds no figures of a task; expected a run of wfm-finetune")
    task = figures.get("task", "interference")
    values = _values(task, figures)
    other = "" if values else _other(task, figures)
    regime = str(figures.get("regime", "scratch"))
    first, comma, rest = regime.partition(",")
    init = figures.get("init")
    name = folder.name if init is None or first == "scratch" else f"{folder.name} ({init})"
    return OurRow(name, _REGIMES.get(first, first) + comma + rest, *_measured(folder, figures), values, other)


def render(rows: list[OurRow]) -> str:
    """The whole table; `rows` are numbered, and below it says what each was measured on."""
    names = [name for name, _ in ROWS] + [f"[{number}] {row.kind}: {row.name}" for number, row in enumerate(rows, 1)]
    regimes = [regime for _, regime in ROWS] + [row.regime for row in rows]
    cells = [[_cell(column, value) for column, value in zip(COLUMNS, values, strict=True)] for values in ROWS.values()]
    cells += [[row.values.get(column, "-") for column in COLUMNS] for row in rows]
    first = max(_WIDE, *map(len, names))
    second = max(8, *map(len, regimes))
    head = f"{'accuracy in %, POS in m':{first}}  {'regime':{second}}"
    lines = [head + "".join(f"{column:>9}" for column in COLUMNS)]
    for number, (name, regime, values) in enumerate(zip(names, regimes, cells, strict=True)):
        if number == len(ROWS):
            lines.append("ours:")
        lines.append(f"{name:{first}}  {regime:{second}}" + "".join(f"{value:>9}" for value in values))
    lines += ["", *NOTES]
    for number, row in enumerate(rows, 1):
        lines.append(f"[{number}] {row.other}{row.kind}: {row.measured}")
    return "\n".join(lines)


def _cell(column: str, value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _tasks(figures: dict) -> bool:
    return any(key in figures for key in _FIGURES)


def _values(task: str, figures: dict) -> dict[str, str]:
    if task == "interference" and "intd" in figures:
        return {"INTD": _percent(figures["intd"]), "INTC": _percent(figures["intc"])}
    if task == "position" and "mean_m" in figures:
        return {"POS": f"{figures['mean_m']:.2f}"}
    if task in _ACCURACY and "mean_class_accuracy" in figures:
        return {_ACCURACY[task]: _percent(figures["mean_class_accuracy"])}
    return {}


def _other(task: str, figures: dict) -> str:
    for unit in (quantity.unit for quantity in QUANTITIES.values()):
        if f"mean_{unit}" in figures:
            return f"{task}: mean error {figures[f'mean_{unit}']:.2f} {unit}; "
    if "trustworthiness" in figures:
        shown = (f"{name} {figures[name]:.3f}" for name in ("trustworthiness", "continuity", "stress"))
        return f"{task}: {', '.join(shown)}; "
    for name, said in _DENSE.items():
        if name in figures:
            return f"{task}: {said.format(figures[name])}; "
    beams = ""
    if "rate_lost" in figures:
        shares = (_percent(figures[name]) for name in ("accuracy", "top3_accuracy", "rate_lost"))
        beams = "top-1 {} %, top-3 {} %, rate lost {} %; ".format(*shares)
    return f"{task}: mean per-class accuracy {_percent(figures['mean_class_accuracy'])} %; {beams}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _measured(folder: Path, figures: dict) -> tuple[str, str]:
    """Whether the data are real or synthetic, and in words which they are and how they were split."""
    data = figures.get("data") or _origin_data(folder)
    if not isinstance(data, dict):
        return str(data), "endless scenes; split: fresh ones"
    provenance = data.get("provenance", {})
    source = provenance.get("source") or provenance.get("reader") or "unknown"
    split = figures.get("split", "unknown")
    return "real" if data.get("real") else "synthetic", f"{data.get('file', 'unknown')} ({source}); split: {split}"


def _origin_data(folder: Path):
    """What the contract of a run says of its data: such as `synthetic`."""
    path = folder / "contract.yaml"
    contract = read_yaml(read_file(path, BYTES_LIMIT), str(path)) if path.is_file() else {}
    return contract.get("origin", {}).get("data", "unknown")


def _read(path: Path) -> dict:
    figures = read_json(read_file(path, FIGURES_LIMIT), str(path))
    return figures if isinstance(figures, dict) else {}
