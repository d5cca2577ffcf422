# SPDX-License-Identifier: GPL-3.0-or-later
"""The options by which commands name the publishers that they listen to, at one place or several."""

import argparse

from wfm_core.messages.sockets import DEFAULT_ADDRESS

LOCAL = "local"
"""The site of addresses that are given without one."""


def add_sites(parser: argparse.ArgumentParser) -> None:
    """--connect and --site."""
    parser.add_argument(
        "--connect",
        action="append",
        default=[],
        metavar="ADDRESS",
        help=f"a publisher; may be repeated [{DEFAULT_ADDRESS}]",
    )
    parser.add_argument(
        "--site", action="append", default=[], metavar="NAME=ADDRESS", help="a publisher at a place; may be repeated"
    )


def sites_of(parser: argparse.ArgumentParser, options: argparse.Namespace) -> dict[str, list[str]]:
    """The addresses of each site; ends the program where a site is none."""
    sites: dict[str, list[str]] = {}
    for text in options.site:
        name, _, address = text.partition("=")
        if not name or not address:
            parser.error(f"argument --site: {text!r} is not NAME=ADDRESS, such as roof=tcp://10.0.0.7:5710")
        sites.setdefault(name, []).append(address)
    if options.connect or not sites:
        sites.setdefault(LOCAL, []).extend(options.connect or [DEFAULT_ADDRESS])
    return sites
