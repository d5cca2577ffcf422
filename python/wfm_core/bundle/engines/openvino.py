# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenVINO as the engine of a bundle's encoder, on the CPU: compiled from the very TorchScript that was screened.

Its PyTorch front end reads the encoder's graph (see `parts`); nothing of a bundle is run to convert it. It is compiled
for a shape of tokens when that comes for the first time, with any number of windows at once, in each thread that asks
and for as many threads as PyTorch has there, so that a live flowgraph has its core (`compute.spare_a_core`); a changed
number compiles it again.
"""

import functools
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from wfm_core.base.errors import WfmError
from wfm_core.base.needs import needed
from wfm_core.bundle.engines.eight_bits import quantise_weights
from wfm_core.bundle.engines.parts import NoEncoder, Parts, cut

_CACHED = 4
"""Compiled shapes that are kept: 1 to some antennas."""


@functools.cache
def find_openvino() -> tuple[str, str]:
    """The version of the OpenVINO that is installed, "" where none is that loads; and then why not."""
    try:
        return needed("openvino", "engine openvino").__version__.partition("-")[0], ""
    except WfmError:
        return "", "openvino is not installed"
    except Exception as error:  # noqa: BLE001 - a library that is broken in any way is none
        return "", f"openvino does not load ({' '.join(str(error).split())[:200]})"


class _Key(NamedTuple):
    """What a request is compiled for: the thread that asks, its PyTorch threads, and the tokens' shapes."""

    thread: int
    threads: int
    shapes: tuple


class OpenVinoNetwork:
    """What `Bundle` runs: a window [B, ..] -> outputs, the encoder in `dtype` ("fp32", "bf16" or "int8") by OpenVINO.

    `frozen` is the frozen float32 module, `method` that of its methods which takes the window. Raises `WfmError` for a
    program that OpenVINO cannot compute, when it is made or first called.
    """

    def __init__(self, frozen: torch.jit.ScriptModule, method: str, dtype: str):
        self._core = _core()
        self._dtype = dtype
        try:
            self._parts: Parts = cut(frozen, method)
        except (NoEncoder, RuntimeError, AttributeError) as error:
            raise _cannot(error) from error
        self._requests: dict[_Key, Callable] = {}
        self._lock = threading.Lock()

    def __call__(self, window: Tensor) -> dict[str, Tensor]:
        return self._parts.run(window, self._encode)

    @property
    def threads(self) -> list[int]:
        """Of each compiled shape, the oldest first."""
        return [key.threads for key in self._requests]

    def _encode(self, tokens: Sequence[Tensor]) -> list[Tensor]:
        arrays = [values.contiguous().numpy() for values in tokens]
        request = self._request(tuple(array.shape[1:] for array in arrays))
        try:
            request.infer(dict(enumerate(arrays)), share_inputs=True)
        except RuntimeError as error:
            raise _cannot(error) from error
        count = len(request.model_outputs)
        # copies: the next call overwrites what is in the request
        return [torch.from_numpy(request.get_output_tensor(number).data.copy()) for number in range(count)]

    def _request(self, shapes: tuple):
        """The compiled encoder for tokens of these shapes, without that of the batch."""
        key = _Key(threading.get_ident(), torch.get_num_threads(), shapes)
        with self._lock:
            request = self._requests.pop(key, None) or self._compiled(key)
            self._requests[key] = request
        return request

    def _compiled(self, key: "_Key"):
        """And what is not asked for any more is forgotten."""
        lives = {thread.ident for thread in threading.enumerate()}
        mine = [other for other in self._requests if other.thread == key.thread and other.threads == key.threads]
        kept = {other for other in self._requests if other.thread in lives and other.thread != key.thread}
        kept.update(mine[1 - _CACHED :])
        self._requests = {other: request for other, request in self._requests.items() if other in kept}
        try:
            model = _converted(self._parts.middle, key.shapes)
            settings = self._settings(key.threads)
            if self._dtype == "int8":
                settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = quantise_weights(model)
            return self._core.compile_model(model, "CPU", settings).create_infer_request()
        except Exception as error:  # noqa: BLE001 - whatever it raises, the bundle's program is not for it
            raise _cannot(error) from error

    def _precision(self) -> str:
        """As was asked for; of int8 what is not made of 8-bit products has bf16, where there is that."""
        if self._dtype != "int8":
            return {"fp32": "f32", "bf16": "bf16"}[self._dtype]
        return "bf16" if "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"

    def _settings(self, threads: int) -> dict:
        return {
            "INFERENCE_PRECISION_HINT": self._precision(),
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            # a thread that is bound to a core would share that with the stream's
            "ENABLE_CPU_PINNING": False,
        }


def _core():
    return needed("openvino", "engine openvino").Core()


def _converted(graph: torch.Graph, shapes: tuple):
    """An `openvino.Model` of a graph whose inputs are float32, of these shapes behind that of the batch."""
    openvino = needed("openvino", "engine openvino")
    decoding = needed("openvino.frontend.pytorch.ts_decoder", "engine openvino")
    front_end = needed("openvino.frontend", "engine openvino").FrontEndManager().load_by_framework("pytorch")
    decoder = decoding.TorchScriptPythonDecoder(_Program(graph.copy()))  # which it changes; alive until the end
    program = front_end.load(decoder)
    for place, shape in zip(program.get_inputs(), shapes, strict=True):
        program.set_element_type(place, openvino.Type.f32)
        program.set_partial_shape(place, openvino.PartialShape([-1, *shape]))
    return front_end.convert(program)


class _Program:
    """What the decoder takes for a TorchScript module."""

    def __init__(self, graph: torch.Graph):
        self.inlined_graph = graph


def _cannot(error: Exception) -> WfmError:
    said = " ".join(str(error).split())[:200]
    return WfmError(f"OpenVINO {find_openvino()[0]} cannot compute it ({said}); use engine torchscript")
