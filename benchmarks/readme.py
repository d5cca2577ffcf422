# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of README.md, "How fast it is", out of the results that run.py left.

.venv/bin/python benchmarks/readme.py [out/bench.jsonl]
"""

import json
import sys
from pathlib import Path

from result import FOUND

ROWS = {
    "window_tap, 4 channels, every sample in a window, against four plain copy blocks": ["tap_vs_copy"],
    "the same, one sample in ten": ["tap_vs_copy_sparse"],
    "the same as the first, while another Python thread computes": ["tap_vs_copy_gil"],
    "WFM Inference against an embedded Python block, windows of 512 / 4096": [
        "inflow_vs_epb_512", "inflow_vs_epb_4096",
    ],
    "WFM Inference against ONNX Runtime float32 in a bare loop, 512 / 4096": [
        "inflow_vs_onnxruntime_512", "inflow_vs_onnxruntime_4096",
    ],
    "WFM Inference against OpenVINO in a bare loop, 512 / 4096": ["inflow_vs_openvino_512", "inflow_vs_openvino_4096"],
    "WFM Inference against the same bundle in a bare loop, 512 / 4096": ["inflow_vs_bare_512", "inflow_vs_bare_4096"],
    "WFM Spectrogram, images / rows, a whole flowgraph on one core, against scripted PyTorch ({values})": [
        "spectrogram_block_images", "spectrogram_block_rows",
    ],
    "images of the interference model in C++, on one core, against scripted PyTorch ({values})": ["cyclic_images"],
    "WFM Signal Finder, a whole flowgraph on one core, against 20 MS/s ({values})": ["signal_finder"],
    "the same against numpy and scipy": ["signal_finder_numpy"],
    "pretraining steps with synthetic windows, against windows in memory": ["pretrain_data_overhead"],
    "samples lost in {seconds} s at 10 MS/s x 2 channels from a wall-clocked simulated radio": ["soak"],
    "samples that WFM Signal Classifier lost in {seconds} s at 2.4 MS/s from such a radio": ["classifier_live"],
}  # fmt: skip
"""What a row says, and the results that are in it."""


def markdown(results: list[dict]) -> str:
    """The machine, then README's table: a row whose results are absent says so."""
    found = {result["name"]: result for result in results}
    lines = [f"`make bench` on {machine}:" for machine in dict.fromkeys(_machine(result) for result in results)]
    lines += ["", "| | ratio | expected |", "|---|---|---|"]
    lines += [_row(text, [found.get(name) for name in names]) for text, names in ROWS.items()]
    inflow = found.get("inflow_vs_epb_512")
    return "\n".join(lines + (["", f"In-flow rows: {inflow['conditions']}"] if inflow else []))


def _row(text: str, cells: list[dict | None]) -> str:
    if None in cells:
        return f"| {text.replace(' ({values})', '').replace('{seconds} ', '')} | not measured | |"
    if cells[0]["name"] in ("soak", "classifier_live"):
        return f"| {text.format(seconds=cells[0]['conditions'].split(' s,')[0])} | {cells[0]['value']:.0f} | 0 |"
    values = " / ".join(f"{cell['value']:.0f}" for cell in cells) + f" {cells[0]['unit']}"
    ratios = " / ".join(f"{cell['ratio']:#.3g}" for cell in cells)
    wanted = " / ".join("-" if cell["wanted"] is None else f"{cell['wanted']:g}" for cell in cells)
    return f"| {text.format(values=values)} | {ratios} | {wanted} |"


def _machine(result: dict) -> str:
    return result["conditions"].rsplit("; ", 1)[-1]


def main() -> None:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else f"out/{FOUND}")
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        sys.exit(f"cannot read {path} ({error.strerror}): run make bench first, or name another bench.jsonl")
    print(markdown([json.loads(line) for line in lines]))


if __name__ == "__main__":
    main()
