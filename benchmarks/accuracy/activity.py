# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of activities: on generated rooms and people that training never saw, on quiet and moving rooms that ESP32
chips recorded, and on recorded activities of persons that are held out.

    WFM_REALDATA=... python benchmarks/accuracy/activity.py --bundle models/wfm-activity --json out/activity.json

Recordings judge, and train nothing. A threshold of motion may be chosen by ESP32 recordings of the other chips, and
--write-threshold writes that of all chips, chosen alike, into the contract. --only leaves parts out.
"""

import argparse
import json
import sys
from pathlib import Path

from activities import esp32, generated, har

from wfm_core.base.files import write_atomically
from wfm_core.bundle import load_bundle
from wfm_core.train.probe.real import AbsentData

PARTS = {
    "generated": generated.judge,
    "esp32": esp32.judge,
    "csi_har": har.judge,
}
"""Each takes the bundle and the options, prints tables, and returns its figures."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="models/wfm-activity", help="a model folder")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="parts (default: all)")
    parser.add_argument("--windows", type=int, default=600, help="generated windows a seed (default 600)")
    parser.add_argument("--seeds", type=int, default=3, help="of generated windows and of labels (default 3)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (default 0)")
    parser.add_argument(
        "--write-threshold", action="store_true", help="into contract.yaml of the model: that of motion by all chips"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for the confusion matrix")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    return parser.parse_args()


def main() -> None:
    options = parse()
    if options.write_threshold:
        esp32.write_threshold(load_bundle(options.bundle, device="cpu", dtype="fp32"))
    bundle = load_bundle(options.bundle, device="cpu", dtype="fp32")
    figures = {}
    for name in options.only:
        try:
            figures[name] = PARTS[name](bundle, options)
        except AbsentData as error:
            print(f"{name}: {error}", file=sys.stderr)
        if options.json:
            text = json.dumps(figures, indent=1)
            write_atomically(Path(options.json), lambda path, text=text: path.write_text(text))


if __name__ == "__main__":
    main()
