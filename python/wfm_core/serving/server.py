# SPDX-License-Identifier: GPL-3.0-or-later
"""The gRPC server in front of the service: address, TLS, token and limits.

It is not the proxy that comes with Ray Serve: that one listens on all interfaces, without TLS, without a token, and
takes messages of 2 GB.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from wfm_core.base.address import is_loopback, split_host
from wfm_core.base.errors import WfmError
from wfm_core.serving.protocol import MAX_BYTES
from wfm_core.serving.service import Service

_MOST_CALLS = 256
"""At once: with `MAX_BYTES` the memory that questions take."""
_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.max_send_message_length", MAX_BYTES),
    ("grpc.so_reuseport", 0),  # a second server on the port is an error, not half of the answers
    # clients look every other second whether the line still holds
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 500),
    ("grpc.http2.max_ping_strikes", 0),
    # and a client that has gone leaves nothing behind
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
]


@dataclass(frozen=True)
class Access:
    """Who may ask: `certificate` and `key` in PEM, or None for no TLS; `token` "" for none; `plain`: without both on
    addresses that others reach."""

    certificate: bytes | None = None
    key: bytes | None = None
    token: str = ""
    plain: bool = False


class _TokenCheck(grpc.aio.ServerInterceptor):
    def __init__(self, token: str):
        self._wanted = f"Bearer {token}".encode()
        self._refusal = grpc.unary_unary_rpc_method_handler(self._refuse)

    async def intercept_service(self, continuation: Callable, details: grpc.HandlerCallDetails):
        said = dict(details.invocation_metadata).get("authorization", "")
        said = said if isinstance(said, bytes) else said.encode()
        return await continuation(details) if hmac.compare_digest(said, self._wanted) else self._refusal

    async def _refuse(self, _request: bytes, context: grpc.aio.ServicerContext):
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is missing or another one")


def check_access(address: str, access: Access) -> None:
    """Raises `WfmError` for an address that others reach without TLS and a token."""
    host, _ = split_host(address, "HOST:PORT is expected, such as 127.0.0.1:5720")
    if (access.certificate is None) != (access.key is None):
        raise WfmError("TLS takes both a certificate and its key: give --tls-cert and --tls-key")
    if not is_loopback(host) and not access.plain and not (access.certificate and access.token):
        raise WfmError(
            f"address {address} can be reached by others: give --tls-cert, --tls-key and --token-file, or --plain "
            "where the network is yours alone"
        )


async def start_server(service: Service, address: str, access: Access) -> tuple[grpc.aio.Server, int]:
    """A server that answers, and its port. Raises `WfmError`."""
    check_access(address, access)
    interceptors = [_TokenCheck(access.token)] if access.token else []
    server = grpc.aio.server(interceptors=interceptors, options=_OPTIONS, maximum_concurrent_rpcs=_MOST_CALLS)
    server.add_generic_rpc_handlers((service.handler(),))
    try:
        if access.certificate:
            credentials = grpc.ssl_server_credentials([(access.key, access.certificate)])
            port = server.add_secure_port(address, credentials)
        else:
            port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise WfmError(
            f"cannot listen at {address} ({str(error)[:200]}): another program may, or the host is not this "
            "computer's; choose another address"
        ) from error
    await server.start()
    return server, port
