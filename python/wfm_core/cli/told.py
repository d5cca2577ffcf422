# SPDX-License-Identifier: GPL-3.0-or-later
"""What every command that reads recordings lets the user say of those that do not say it themselves."""

import argparse

from wfm_core.data.recordings.raw import REAL, Told


def add_told(parser) -> None:
    """--rate, --freq and --real, for an argument parser or a group of one."""
    parser.add_argument(
        "--rate", type=float, metavar="HZ", help="sample rate of raw recordings whose names do not tell it (250k)"
    )
    parser.add_argument(
        "--freq",
        type=float,
        metavar="HZ",
        help="centre frequency of raw recordings whose names do not tell it (433.92M)",
    )
    parser.add_argument("--real", choices=REAL, help="real samples: refuse them (default), or make them analytic")


def told_of(options: argparse.Namespace) -> Told:
    """Raises `WfmError` for a rate that is none."""
    return Told(options.rate, options.freq, options.real or "refuse")
