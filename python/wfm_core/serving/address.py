# SPDX-License-Identifier: GPL-3.0-or-later
"""`grpc://HOST:PORT` and `grpcs://HOST:PORT`: where a server is, and how it is spoken to."""

import math
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from wfm_core.base.address import is_loopback, split_host
from wfm_core.base.errors import WfmError
from wfm_core.base.files import read_file, user_path
from wfm_core.base.plain import shortened
from wfm_core.serving.wire import FORMATS

DEFAULT_ADDRESS = "127.0.0.1:5720"
_KEYS = ("format", "timeout", "token", "ca", "plain")
_TIMEOUT = 2.0
_LONGEST_TIMEOUT = 60.0
_MOST_SECRET = 4096
_MOST_CERTIFICATES = 1 << 20
_EXPECTED = f"grpc://HOST:PORT is expected, such as grpc://{DEFAULT_ADDRESS}"


@dataclass(frozen=True)
class Address:
    """`name` is what the user wrote, without the options; `format` that of windows on the wire (`wire.FORMATS`);
    `timeout` of a call in seconds; `token` the secret itself, "" for none; `certificates` in PEM that a server's is
    checked by, None: the system's."""

    name: str
    target: str
    tls: bool
    format: str = FORMATS[0]
    timeout: float = _TIMEOUT
    token: str = ""
    certificates: bytes | None = None


def parse_address(text: str) -> Address:
    """The address in a `device`. Raises `WfmError` for one that is none, or would send samples in the clear."""
    scheme, _, rest = text.partition("://")
    target, _, query = rest.partition("?")
    host, _ = split_host(target, _EXPECTED)
    options = dict(parse_qsl(query, keep_blank_values=True))
    if odd := [key for key in options if key not in _KEYS]:
        raise WfmError(
            f"device {shortened(text)} has the option {shortened(odd[0])}; one of {', '.join(_KEYS)} is expected"
        )
    tls = scheme == "grpcs"
    if not tls and not is_loopback(host) and options.get("plain") != "yes":
        raise WfmError(
            f"device {shortened(text)} would send samples and token unencrypted to {host}: write grpcs:// for a server "
            "with TLS, or add ?plain=yes where the network is yours alone"
        )
    if not tls and "ca" in options:
        raise WfmError(f"device {shortened(text)} names certificates, but is not encrypted: write grpcs://")
    certificates = read_file(user_path(options["ca"]), _MOST_CERTIFICATES) if "ca" in options else None
    token = read_token(options["token"]) if "token" in options else ""
    return Address(f"{scheme}://{target}", target, tls, _format(options), _seconds(options), token, certificates)


def _format(options: dict[str, str]) -> str:
    found = options.get("format", FORMATS[0])
    if found not in FORMATS:
        raise WfmError(f"format of windows is {shortened(found)}; one of {', '.join(FORMATS)} is expected")
    return found


def _seconds(options: dict[str, str]) -> float:
    text = options.get("timeout", str(_TIMEOUT))
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST_TIMEOUT:
        raise WfmError(f"timeout is {shortened(text)}; seconds up to {_LONGEST_TIMEOUT:g} are expected")
    return seconds


def read_token(path: str | Path) -> str:
    """The secret in a file, without the spaces around it. Raises `WfmError`."""
    text = read_file(user_path(str(path)), _MOST_SECRET).decode("utf-8", "replace").strip()
    if not text or not text.isascii() or not text.isprintable():
        raise WfmError(f"{path} holds no token; one line of printable ASCII is expected")
    return text
