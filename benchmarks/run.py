# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benchmarks, each file in a process of its own: a table, README's table, bench.jsonl and bench.png.

python benchmarks/run.py --out out [--only tap inflow spectrogram finder_rate pretrain_data_overhead soak
                                          classifier_live]
                                   [--seconds 600] [--quick]
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import readme
from result import FOUND

BENCHMARKS = ("tap", "inflow", "spectrogram", "finder_rate", "pretrain_data_overhead", "soak", "classifier_live")
HERE = Path(__file__).parent
QUICK = {
    "tap": ["--seconds", "0.1", "--rounds", "1"],
    "inflow": ["--seconds", "0.3", "--rounds", "1"],
    "spectrogram": ["--seconds", "0.05", "--rounds", "1"],
    "finder_rate": ["--seconds", "0.1", "--rounds", "1"],
    "pretrain_data_overhead": ["--recipe", "pretrain_smoke.yaml", "--rounds", "1", "batch=4", "iq.tokens=16",
                               "image.samples=1024", "image.fft_size=64", "image.hop=64", "image.size=[32,32]"],
    "soak": ["--seconds", "1"],
    "classifier_live": ["--seconds", "1"],
}  # fmt: skip
"""Lengths that show that a benchmark runs, not how fast anything is."""


def measure(name: str, arguments: list[str]) -> list[dict]:
    """The results of one benchmark file; ends the whole run when it fails."""
    print(f"{name} ...", flush=True)
    done = subprocess.run([sys.executable, str(HERE / f"{name}.py"), *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"benchmark {name} failed with exit status {done.returncode}")
    # GNU Radio writes to stdout as well: only JSON lines are results.
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def print_table(results: list[dict]) -> None:
    print(f"{'benchmark':28} {'value':>12} {'baseline':>12}  {'unit':18} {'ratio':>7} {'wanted':>7}")
    for result in results:
        wanted = "-" if result["wanted"] is None else f"{result['wanted']:.2f}"
        remark = "" if reached(result) else "  BELOW"
        print(
            f"{result['name']:28} {result['value']:12.1f} {result['baseline']:12.1f}  {result['unit']:18} "
            f"{result['ratio']:7.2f} {wanted:>7}{remark}"
        )


def reached(result: dict) -> bool:
    return result["wanted"] is None or result["ratio"] >= result["wanted"]


def draw(results: list[dict], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 0.5 * len(results) + 1.2))
    places = range(len(results), 0, -1)
    colours = ["#2a6f97" if reached(result) else "#c1121f" for result in results]
    axes.barh(places, [result["ratio"] for result in results], color=colours, height=0.6)
    for place, result in zip(places, results, strict=True):
        axes.text(result["ratio"], place, f" {result['ratio']:.2f}", va="center")
        if result["wanted"] is not None:
            axes.plot([result["wanted"]] * 2, [place - 0.4, place + 0.4], color="black", linewidth=2)
    axes.set_yticks(list(places), [result["name"] for result in results])
    axes.set_xlabel("ratio to the baseline (black: expected at least)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=BENCHMARKS)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of soak and classifier_live")
    parser.add_argument("--quick", action="store_true", help="seconds in all: do they run? The figures mean nothing")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    results = []
    with (options.out / FOUND).open("w") as lines:
        for name in options.only:
            length = ["--seconds", str(options.seconds)] if name in ("soak", "classifier_live") else []
            found = measure(name, QUICK[name] if options.quick else length)
            results += found
            lines.writelines(json.dumps(result) + "\n" for result in found)
            lines.flush()
    print_table(results)
    print(f"\n{readme.markdown(results)}")
    draw(results, options.out / "bench.png")


if __name__ == "__main__":
    main()
