# SPDX-License-Identifier: GPL-3.0-or-later
"""The service of `wfm.proto`: what is asked is checked here, before it gets to a bundle."""

import json
import time
from typing import Protocol

import grpc
from google.protobuf.message import DecodeError

from wfm_core.base.errors import WfmError
from wfm_core.base.plain import shortened
from wfm_core.bundle.bundle import decide
from wfm_core.bundle.contract import Contract
from wfm_core.messages.decisions import decision_json, plain_json
from wfm_core.serving import own_version, protocol
from wfm_core.serving.gather import BusyError
from wfm_core.serving.judge import IMAGES, IQ, PREPARED, Facts, Question, Reply, check_question
from wfm_core.serving.wire import images_of, output_messages, windows_of


class GoneError(WfmError):
    """Who would have answered is not there; another one soon is."""


class Served(Protocol):
    """A bundle that is served."""

    facts: Facts
    contract: Contract
    most_windows: int

    async def judge(self, question: Question) -> Reply:
        """Raises `BusyError`, `GoneError`."""


class Service:
    """Answers to both methods; `bundles` by the names that clients know them by."""

    def __init__(self, bundles: dict[str, Served]):
        self._bundles = bundles

    def handler(self) -> grpc.GenericRpcHandler:
        """For `grpc.aio.Server.add_generic_rpc_handlers`. Messages are taken and given as bytes."""
        methods = {"Describe": self._describe, "Judge": self._judge}
        handlers = {name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()}
        return grpc.method_handlers_generic_handler(protocol.SERVICE, handlers)

    async def _describe(self, data: bytes, context: grpc.aio.ServicerContext) -> bytes:
        request = await _read(protocol.DescribeRequest, data, context)
        served = await self._served(request.bundle, context)
        facts = served.facts
        return protocol.Description(
            bundle=request.bundle,
            server_version=own_version(),
            sha256=facts.sha256,
            contract=json.dumps(facts.contract),
            device=facts.device,
            dtype=facts.dtype,
            prepared=facts.prepared,
            most_windows=served.most_windows,
            most_bytes=protocol.MOST_DATA,
            engine=facts.engine,
            engine_reason=facts.engine_reason,
        ).SerializeToString()

    async def _judge(self, data: bytes, context: grpc.aio.ServicerContext) -> bytes:
        request = await _read(protocol.JudgeRequest, data, context)
        served = await self._served(request.bundle, context)
        if request.sha256 and request.sha256 != served.facts.sha256:
            said = f"bundle {request.bundle} has sha256 {served.facts.sha256}, {request.sha256[:80]} was asked for"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, said)
        try:
            question = _question(request)
            check_question(question, served.contract, served.facts.prepared, served.most_windows)
            _check_places(request, len(question.batch))
        except WfmError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        began = time.monotonic()
        try:
            reply = await served.judge(question)
        except BusyError as error:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        except GoneError as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        except WfmError as error:
            await context.abort(grpc.StatusCode.INTERNAL, str(error))
        answer = protocol.Judgement(
            sha256=served.facts.sha256,
            outputs=output_messages(reply.outputs),
            waited=max(0.0, time.monotonic() - began - reply.computed),
            computed=reply.computed,
            replica=reply.replica,
            engine=reply.engine,
            dtype=reply.dtype,
        )
        if request.decisions:
            answer.decisions.extend(_decisions(request, reply, served.contract, len(question.batch)))
        return answer.SerializeToString()

    async def _served(self, name: str, context: grpc.aio.ServicerContext) -> Served:
        if name not in self._bundles:
            said = f"bundle {shortened(name)} is not served; {', '.join(self._bundles)} are"
            await context.abort(grpc.StatusCode.NOT_FOUND, said)
        return self._bundles[name]


async def _read(kind: type, data: bytes, context: grpc.aio.ServicerContext):
    try:
        return kind.FromString(data)
    except DecodeError:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no message {kind.DESCRIPTOR.full_name}")


def _question(request: protocol.JudgeRequest) -> Question:
    if request.HasField("iq") == request.HasField("images"):
        raise WfmError("a request with both iq and images, or none; one of them is expected")
    if request.HasField("iq"):
        return Question(IQ, windows_of(request.iq))
    return Question(PREPARED if request.images.prepared else IMAGES, images_of(request.images))


def _check_places(request: protocol.JudgeRequest, count: int) -> None:
    if len(request.places) not in (0, count):
        raise WfmError(f"{len(request.places)} places of {count} windows; one for each, or none, is expected")


def _decisions(request: protocol.JudgeRequest, reply: Reply, contract: Contract, count: int) -> list[str]:
    """One JSON text a window. Without places they are numbered as if they lay back to back."""
    threshold = request.threshold if request.HasField("threshold") else None
    length = contract.samples
    places = request.places or [
        protocol.Place(sample_start=number * length, sample_count=length) for number in range(count)
    ]
    return [
        json.dumps(
            plain_json(
                decision_json(
                    place.sample_start,
                    place.sample_count,
                    decide(contract, reply.outputs, number, threshold),
                    (place.time.seconds, place.time.fraction) if place.HasField("time") else None,
                    place.center_freq if place.HasField("center_freq") else None,
                )
            )
        )
        for number, place in enumerate(places)
    ]
