# SPDX-License-Identifier: GPL-3.0-or-later
"""HOST:PORT as users write it, and who reaches it."""

import ipaddress
from urllib.parse import urlsplit

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened


def is_loopback(host: str) -> bool:
    """Whether only this computer reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def split_host(target: str, expected: str) -> tuple[str, int]:
    """Host and port of HOST:PORT or [HOST]:PORT. Raises `WfmError` that says what is `expected`."""
    try:
        parts = urlsplit(f"//{target}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None or "@" in target or parts.path:
        raise WfmError(f"address {shortened(target)}: {expected}")
    return host, port
