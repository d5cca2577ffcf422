# SPDX-License-Identifier: GPL-3.0-or-later
"""What the flowgraph tests share: a bundle that answers by rule, small random models, recordings, message sinks."""

import copy
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pmt
from gnuradio import gr
from gnuradio.wfm.ports import messages

from wfm_core.bundle import build_network, parse_contract, save_model_folder

WINDOW = 256
LABELS = ("none", "dsss-bpsk", "dsss-qpsk")


def contract(
    samples: int = WINDOW, antennas: int = 4, labels=LABELS, name: str = "test-model", tasks=None, average: int = 1
) -> dict:
    """The contract of a model small enough for tests; `tasks`: labels by task, in place of those of interference.

    With `average` it is one of images, 4096 samples each.
    """
    tasks = tasks or {"interference": labels}
    signal, modality = ({"kind": "iq_rms"}, "iq") if average == 1 else ({"kind": "cyclic_image"}, "image")
    return {
        "format": 1,
        "name": name,
        "window": {"antennas": antennas, "samples": samples, "average": average},
        "sample_rate": {"min": 1.0e6, "max": 4.0e6},
        "encoder": {"width": 32, "depth": 1, "heads": 2, "mlp_hidden": 64},
        "input": "iq",
        "signal": signal,
        "modality": modality,
        "image": {"channels": 5, "size": [32, 64]},
        "tasks": {task: {"kind": "classification", "labels": list(own)} for task, own in tasks.items()},
        "weights_sha256": "0" * 64,
    }


def random_model(folder: Path, seed: int = 0, **contract_changes) -> Path:
    """A model folder with random weights, large enough in the head that windows get different answers."""
    import torch

    raw = contract(**contract_changes)
    torch.manual_seed(seed)
    network = build_network(parse_contract(raw, "test"))
    weights = network.state_dict()
    for name in weights:
        if name.startswith("heads."):
            weights[name] = torch.randn_like(weights[name])
    save_model_folder(folder, raw, weights)
    return folder


class RuleBundle:
    """Answers with label number round(real part of a window's first sample) % 3; the test thus writes the answers.

    `before_infer` is called with the batch, to wait or to fail.
    """

    def __init__(self, before_infer=None, **contract_changes):
        self.contract = parse_contract(contract(**contract_changes), "test")
        self.device, self.dtype, self.path = "cpu", "fp32", "rule"
        self.engine, self.engine_reason, self.origin = "torchscript", "asked for", "torchscript fp32"
        self.prepared_kind = ""
        self.before_infer = before_infer or (lambda iq: None)
        self.warmed = None

    def joined(self, samples: int) -> "RuleBundle":
        other = copy.copy(self)
        other.contract = self.contract.joined(samples)
        return other

    def warm(self, batch: int, antennas: int) -> None:
        self.warmed = (batch, antennas)

    def infer(self, iq: np.ndarray) -> dict[str, np.ndarray]:
        self.before_infer(iq)
        best = np.round(iq[:, 0, 0].real).astype(int) % 3
        probabilities = np.full((len(iq), 3), 0.1, np.float32)
        probabilities[np.arange(len(iq)), best] = 0.8
        return {"interference": probabilities, "embedding_iq": np.zeros((len(iq), 4), np.float32)}

    def decide(self, outputs, i: int, threshold: float | None = None) -> dict[str, dict]:
        row = outputs["interference"][i]
        index = int(row.argmax())
        known = row[index] >= (threshold or 0.0)
        return {
            "interference": {
                "label": LABELS[index] if known else "unknown",
                "index": index if known else -1,
                "score": float(row[index]),
                "probabilities": dict(zip(LABELS, map(float, row), strict=True)),
            }
        }


class Collector(gr.basic_block):
    """Keeps every message that comes to its port `in`; `say` sends one from its port `out`."""

    def __init__(self):
        gr.basic_block.__init__(self, name="collector", in_sig=None, out_sig=None)
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self._keep)
        self.message_port_register_out(pmt.intern("out"))
        self.messages = []

    def say(self, message) -> None:
        self.message_port_pub(pmt.intern("out"), message)

    def _keep(self, message) -> None:
        self.messages.append(message)

    def detections(self) -> list[messages.Detection]:
        return [messages.read_detection(m) for m in self.messages]

    def dicts(self) -> list[dict]:
        return [pmt.to_python(m) for m in self.messages]


class Comparer(gr.sync_block):
    """A sink that compares a stream with the period of the source it came from."""

    def __init__(self, period: np.ndarray):
        gr.sync_block.__init__(self, name="comparer", in_sig=[np.complex64], out_sig=None)
        self._period = period
        self.seen, self.wrong = 0, 0

    def work(self, input_items, output_items):
        got = input_items[0]
        wanted = np.take(self._period, np.arange(self.seen, self.seen + len(got)), mode="wrap")
        self.wrong += int(np.count_nonzero(got != wanted))
        self.seen += len(got)
        return len(got)


def write_recording(
    folder: Path, samples: np.ndarray, datatype: str = "cf32_le", sample_rate: float = 1.92e6, captures=None
) -> Path:
    """SigMF recording of complex [channels, n]; integer types at full scale 1.0. Returns the path of the metadata."""
    frames = np.ascontiguousarray(samples.T.astype(np.complex64)).view(np.float32)
    kind, bits = datatype[1], int(datatype[2:].split("_")[0])
    if kind == "i":
        frames = np.round(frames * 2 ** (bits - 1)).clip(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    elif kind == "u":
        middle = (2**bits - 1) / 2
        frames = np.round(frames * middle + middle)
    order = ">" if datatype.endswith("_be") else "<"
    frames.astype(f"{order}{kind}{bits // 8}").tofile(folder / "rec.sigmf-data")
    metadata = {
        "global": {
            "core:datatype": datatype,
            "core:sample_rate": sample_rate,
            "core:version": "1.2.0",
            "core:num_channels": len(samples),
        },
        "captures": captures or [{"core:sample_start": 0, "core:frequency": 1.8e9}],
        "annotations": [],
    }
    path = folder / "rec.sigmf-meta"
    path.write_text(json.dumps(metadata), encoding="utf-8")
    return path


def noise(channels: int, samples: int, seed: int = 0, scale: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    real, imaginary = rng.standard_normal((2, channels, samples))
    return (scale * (real + 1j * imaginary)).astype(np.complex64)


def flowgraph(samples: np.ndarray, block, tags=()) -> SimpleNamespace:
    """samples [channels, n] -> block -> vector sinks, with collectors on the block's message ports."""
    from gnuradio import blocks

    top = gr.top_block()
    sinks = []
    for channel, row in enumerate(samples):
        source = blocks.vector_source_c(row.tolist(), False, 1, list(tags))
        sink = blocks.vector_sink_c()
        top.connect(source, (block, channel))
        top.connect((block, channel), sink)
        sinks.append(sink)
    ports = {}
    for port in ("detects", "status", "events", "embeddings"):
        ports[port] = Collector()
        top.msg_connect(block, port, ports[port], "in")
    return SimpleNamespace(top=top, sinks=sinks, **ports)
