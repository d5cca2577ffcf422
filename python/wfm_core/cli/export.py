# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-export: a trained model becomes one bundle file."""

import argparse
from pathlib import Path

from wfm_core.bundle import export_bundle
from wfm_core.cli import run
from wfm_core.errors import WfmError


def main() -> int:
    """The command `wfm-export`; returns its exit status."""
    return run(_main)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="wfm-export", description="Script a trained model into one bundle file.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("folder", nargs="?", type=Path, help="model folder, such as models/NAME")
    source.add_argument("--run", type=Path, metavar="DIR", help="folder of a training run")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="bundle file, or an existing folder for NAME.wfm.pt"
    )
    options = parser.parse_args()
    folder = options.run or options.folder
    if not folder.is_dir():
        raise WfmError(f"{folder} is not a folder; give the folder that holds weights.safetensors and contract.yaml")
    print(export_bundle(folder, options.output))


if __name__ == "__main__":
    raise SystemExit(main())
