# SPDX-License-Identifier: GPL-3.0-or-later
"""The line to a server: deadlines, retries with back-off, and a breaker, so that a server that is away costs little."""

import json
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import grpc
import pybreaker
from google.protobuf.message import DecodeError

from wfm_core.base.errors import WfmError
from wfm_core.serving.address import Address
from wfm_core.serving.protocol import DESCRIBE, JUDGE, MAX_BYTES, SERVICE
from wfm_core.serving.remote import OtherBundleError, UnansweredError

Answer = TypeVar("Answer")

_FAILURES = 3
"""In a row, after which no call is made for `_PAUSE_SECONDS`; then one is, to see whether the server is back."""
_PAUSE_SECONDS = 1
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 1.0
"""Between the tries of one call that has patience."""

_RETRIES = {
    "methodConfig": [
        {
            "name": [{"service": SERVICE}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
_OPTIONS = [
    ("grpc.max_send_message_length", MAX_BYTES),
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.service_config", json.dumps(_RETRIES)),
    ("grpc.enable_http_proxy", 0),
    # a server that is back is found within a second or two, whatever became of the connection before
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # and so is that a connection has become silent, which TCP alone notices after minutes
    ("grpc.keepalive_time_ms", 2000),
    ("grpc.keepalive_timeout_ms", 2000),
    ("grpc.use_local_subchannel_pool", 1),
]

_SAYS = {
    grpc.StatusCode.UNAVAILABLE: "no server answers",
    grpc.StatusCode.DEADLINE_EXCEEDED: "the server did not answer within {timeout:g} s",
    grpc.StatusCode.UNIMPLEMENTED: f"the server does not speak {SERVICE}: install the same version on both sides",
    grpc.StatusCode.UNAUTHENTICATED: "the server asks for another token: add ?token=FILE with the server's",
    grpc.StatusCode.NOT_FOUND: "the server has no such bundle",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "the server has too much to do, or the message is too large",
}

_PASSING = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)


class Breaker:
    """What becomes of the questions about one bundle: after some failures in a row they are not sent for a while.

    One each, as a server may have no answer for one bundle (it has another one of the name by now) and be well.
    """

    def __init__(self):
        self._breaker = pybreaker.CircuitBreaker(_FAILURES, _PAUSE_SECONDS, throw_new_error_on_trip=False)
        self._trouble = ""

    def call(self, function: Callable[..., Answer], *arguments) -> Answer:
        """What `function` returns. Raises `UnansweredError`, that of `function` or in place of a call. Calls of other
        threads wait for this one."""
        try:
            return self._breaker.call(function, *arguments)
        except pybreaker.CircuitBreakerError:
            raise UnansweredError(f"{self._trouble}: tried again once a second", passes=True) from None
        except UnansweredError as error:
            self._trouble = str(error)
            raise

    def close(self) -> None:
        """The next call is made in any case."""
        self._breaker.close()


class Line:
    """Calls to one server, from any thread."""

    def __init__(self, address: Address):
        self.address = address
        self._channel = _channel(address)
        self._methods = {method: self._channel.unary_unary(method) for method in (DESCRIBE, JUDGE)}
        self._metadata = (("authorization", f"Bearer {address.token}"),) if address.token else ()
        self._changed = threading.Condition()
        self._ends: float | None = None

    def limit(self, seconds: float | None) -> None:
        """See `remote.Remote`."""
        with self._changed:
            self._ends = None if seconds is None else time.monotonic() + seconds
            self._changed.notify_all()

    def ask(
        self, method: str, question: bytes, read: Callable[[bytes], Answer], patience: float, breaker: Breaker
    ) -> Answer:
        """The answer as `read` takes it from the message; what that raises as `WfmError` is no answer either.

        While a trouble may pass it is asked again for `patience` seconds. Raises `UnansweredError`.
        """
        until, wait = time.monotonic() + patience, _FIRST_WAIT_SECONDS
        while True:
            try:
                return breaker.call(self._once, method, question, read)
            except UnansweredError as error:
                if not error.passes or time.monotonic() + wait > until or self._sleep(wait):
                    raise
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)

    def _sleep(self, seconds: float) -> bool:
        """Whether the run ends meanwhile."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ends is not None, seconds)

    def _once(self, method: str, question: bytes, read: Callable[[bytes], Answer]) -> Answer:
        call = self._methods[method].future(question, timeout=self.address.timeout, metadata=self._metadata)
        call.add_done_callback(self._wake)
        with self._changed:
            while not call.done() and (self._ends is None or time.monotonic() < self._ends):
                self._changed.wait(None if self._ends is None else self._ends - time.monotonic())
        if not call.done():
            call.cancel()
            raise UnansweredError(f"{self.address.name}: the run ended before the server answered")
        if call.code() is not grpc.StatusCode.OK:
            raise self._unanswered(call.code(), call.details() or "")
        try:
            return read(call.result())
        except DecodeError as error:
            raise self._useless("no message of the protocol") from error
        except UnansweredError:
            raise
        except WfmError as error:
            raise self._useless(str(error)) from error

    def _wake(self, _call) -> None:
        with self._changed:
            self._changed.notify_all()

    def _unanswered(self, code: grpc.StatusCode, details: str) -> UnansweredError:
        what = _SAYS.get(code, f"the server answered {code.name}").format(timeout=self.address.timeout)
        if details and code is not grpc.StatusCode.DEADLINE_EXCEEDED:
            what += f" ({details[:300]})"
        kind = OtherBundleError if code is grpc.StatusCode.FAILED_PRECONDITION else UnansweredError
        return kind(f"{self.address.name}: {what}", passes=code in _PASSING)

    def _useless(self, why: str) -> UnansweredError:
        return UnansweredError(f"{self.address.name}: the server's answer cannot be used ({why})")


def _channel(address: Address) -> grpc.Channel:
    if not address.tls:
        return grpc.insecure_channel(address.target, _OPTIONS)
    return grpc.secure_channel(address.target, grpc.ssl_channel_credentials(address.certificates), _OPTIONS)
