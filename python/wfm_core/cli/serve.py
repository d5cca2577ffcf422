# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm-serve: model bundles as a service for flowgraphs on other computers, which name it as their device."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from wfm_core.base.files import read_file, user_path
from wfm_core.base.needs import needed
from wfm_core.base.ray_session import prepare_ray
from wfm_core.cli import command
from wfm_core.configs.serving import read_serving
from wfm_core.messages.output import Terminal
from wfm_core.serving.address import DEFAULT_ADDRESS, read_token

_MOST_PEM = 1 << 20
_LAST_ANSWERS_SECONDS = 1.0


@command
def main(argv: list[str] | None) -> int:
    """The command `wfm-serve`."""
    options = _arguments(argv)
    prepare_ray(options.cluster)
    needed("ray.serve", "wfm-serve", "ray[serve]")
    needed("grpc", "wfm-serve", "grpcio")
    from wfm_core.serving.deploy import running
    from wfm_core.serving.server import Access, check_access

    serving = read_serving(options.config, options.bundle)
    certificate, key = (_pem(path) for path in (options.tls_cert, options.tls_key))
    token = read_token(options.token_file) if options.token_file else ""
    access = Access(certificate, key, token, options.plain)
    check_access(options.address, access)
    with running(serving, options.cluster, options.metrics_port) as served:
        asyncio.run(_serve(served, options.address, access))
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("wfm-serve", description=__doc__)
    parser.add_argument("--bundle", nargs="+", default=[], metavar="NAME", help="installed bundles to serve")
    parser.add_argument("--config", default="", metavar="YAML", help="bundles with their replicas, batches and devices")
    parser.add_argument(
        "--address", default=DEFAULT_ADDRESS, metavar="HOST:PORT", help=f"where to listen [{DEFAULT_ADDRESS}]"
    )
    parser.add_argument(
        "--cluster", default="", metavar="ADDRESS", help="a Ray cluster that runs, or auto; else Ray is started here"
    )
    parser.add_argument(
        "--metrics-port", type=int, metavar="PORT", help="of Ray's Prometheus metrics, when started here"
    )
    parser.add_argument("--tls-cert", type=Path, metavar="PEM", help="the server's certificate")
    parser.add_argument("--tls-key", type=Path, metavar="PEM", help="its key")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="the secret that clients must send")
    parser.add_argument("--plain", action="store_true", help="allow an address that others reach without TLS and token")
    options = parser.parse_args(argv)
    if not options.bundle and not options.config:
        parser.error("give --bundle NAME or --config YAML")
    return options


def _pem(path: Path | None) -> bytes | None:
    return None if path is None else read_file(user_path(str(path)), _MOST_PEM)


async def _serve(served: dict, address: str, access) -> None:
    """Until a signal comes."""
    from wfm_core.serving.server import start_server
    from wfm_core.serving.service import Service

    ends = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ends.set)
    server, port = await start_server(Service(served), address, access)
    host = address.rpartition(":")[0]
    Terminal().say(f"serving {', '.join(served)} at {host}:{port}")
    await ends.wait()
    await server.stop(_LAST_ANSWERS_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
