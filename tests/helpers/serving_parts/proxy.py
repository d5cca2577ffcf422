# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP proxy in front of a server, and what else may stand where a server was: silence, noise, another service."""

import contextlib
import os
import socket
import threading


class Proxy:
    """Carries bytes between its port and `target` of this computer. While `drops` is set they vanish, both ways."""

    def __init__(self, target: int):
        self._target = target
        self.drops = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def device(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:  # no server there
                    near.close()
                    continue
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self.drops.is_set():
                    sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class NoiseServer:
    """Answers every connection at `port` with bytes that are none of HTTP/2, and hangs up."""

    def __init__(self, port: int):
        self._listener = socket.create_server(("127.0.0.1", port))
        self.called = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                self.called += 1
                with caller, contextlib.suppress(OSError):
                    caller.recv(1024)
                    caller.sendall(os.urandom(4096))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class AnyService:
    """A service that answers any question with what `answer(method, question)` gives, and passes for `named`."""

    def __init__(self, named: str, answer):
        self._named, self._answer = named, answer

    def handler(self):
        import grpc

        def of(method):
            async def answered(question, _context):
                return self._answer(method, question)

            return grpc.unary_unary_rpc_method_handler(answered)

        methods = {name: of(name) for name in ("Describe", "Judge")}
        return grpc.method_handlers_generic_handler(self._named, methods)
