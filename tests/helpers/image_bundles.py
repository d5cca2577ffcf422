# SPDX-License-Identifier: GPL-3.0-or-later
"""Small bundles for tests: of images, with messages to feed them, and of found signals."""

from dataclasses import asdict

import numpy as np
import pmt
import torch
from finetune_sets import PILOTS
from gnuradio import gr
from gnuradio.wfm.images import image_messages

from wfm_core.bundle import build_network, draft_contract, export_bundle, parse_contract
from wfm_core.bundle.export import save_model_folder
from wfm_core.model import ClassHead, EncoderConfig
from wfm_core.model.found import FoundSignalModel
from wfm_core.model.trees import TreeSizes
from wfm_core.signal.found import IMAGES, NUMBERS, SAMPLES
from wfm_core.signal.motion import MOTION_MEASURES, MOTION_SIZE, NAMES
from wfm_core.synth.csi.sensing import NAMED

SHAPE = (1, 6, 8)
LABELS = ("empty", "walk", "wave")


def image_contract(tasks: dict, shape=SHAPE, **changes) -> dict:
    """The contract of a small model whose input is an image of CSI."""
    return {
        "format": 1,
        "name": "test-images",
        "encoder": {"width": 32, "depth": 1, "heads": 2, "mlp_hidden": 64},
        "input": "image",
        "modality": "image",
        "image": {"channels": shape[0], "size": [16, 16]},
        "input_image": {"channels": shape[0], "size": list(shape[1:])},
        "signal": {
            "kind": "csi_image",
            "size": [16, 16],
            "minimum": 0.0,
            "maximum": 2.0,
            "mean": [0.5] * shape[0],
            "std": [0.2] * shape[0],
        },
        "tasks": tasks,
        "weights_sha256": "0" * 64,
        **changes,
    }


ACTIVITY = {"activity": {"kind": "classification", "labels": list(LABELS)}}
POSITION = {"position": {"kind": "position", "low": [0, 0, 0], "high": [10, 10, 3]}}


class ImageRule:
    """Answers by an image's first pixel: label number round(it) % 3, or with `position` the place [it, 2, 1]."""

    def __init__(self, tasks=ACTIVITY, before_infer=None):
        self.contract = parse_contract(image_contract(tasks), "test")
        self.device, self.dtype, self.path = "cpu", "fp32", "rule"
        self.engine, self.engine_reason, self.origin = "torchscript", "asked for", "torchscript fp32"
        self.before_infer = before_infer or (lambda images: None)
        self.seen = []

    def warm(self, batch: int, antennas: int) -> None:
        pass

    def infer_image(self, images: np.ndarray) -> dict[str, np.ndarray]:
        self.before_infer(images)
        self.seen += list(images.copy())
        return {"first": images[:, 0, 0, 0].copy(), "embedding_image": np.zeros((len(images), 4), np.float32)}

    def decide(self, outputs, i: int, threshold: float | None = None) -> dict[str, dict]:
        first = float(outputs["first"][i])
        if "position" in self.contract.tasks:
            return {"position": {"position": [first, 2.0, 1.0]}}
        index = round(first) % 3
        probabilities = [0.1 + 0.7 * (k == index) for k in range(3)]
        known = probabilities[index] >= (threshold or 0.0)
        return {
            "activity": {
                "label": LABELS[index] if known else "unknown",
                "index": index if known else -1,
                "score": probabilities[index],
                "probabilities": dict(zip(LABELS, probabilities, strict=True)),
            }
        }


def image(first: float, place: int = 0, shape=SHAPE, **more) -> pmt.pmt_base:
    """An `images` PDU whose first pixel is `first`, of the packets from `place * 8` on."""
    pixels = np.full(shape, 0.5, np.float32)
    pixels.flat[0] = first
    return image_messages.image_pdu(image_messages.Image(pixels, 8 * place, 8, **more))


class Sender(gr.sync_block):
    """Ends a stream as soon as it has sent its messages on the port `out`: what comes after ends, too."""

    def __init__(self, messages):
        gr.sync_block.__init__(self, name="sender", in_sig=None, out_sig=[np.uint8])
        self.message_port_register_out(pmt.intern("out"))
        self._messages = messages

    def work(self, input_items, output_items):
        for message in self._messages:
            self.message_port_pub(pmt.intern("out"), message)
        return -1


_SIZES = {"width": 32, "depth": 1, "heads": 2, "mlp_hidden": 32}


def signal_contract(labels) -> dict:
    """The contract of a small model of found signals."""
    task = {"kind": "classification", "labels": list(labels), "bias": [*[0.0] * (len(labels) - 1), -30.0]}
    return {
        "name": "tiny",
        "encoder": _SIZES,
        "affine": "before",
        "input": "iq",
        "modality": "signal",
        "window": {"antennas": 1, "samples": SAMPLES},
        "sample_rate": {"min": 1.0, "max": 1e12},
        "signal": {"kind": "found_signal"},
        "tasks": {"classification": task},
        "origin": {"data": "synthetic"},
    }


def signal_bundle(folder, labels=("ook", "nbfm", "noise"), trees: TreeSizes | None = None) -> str:
    """A tiny model of found signals with random weights, into `folder`; the last label is made unlikely. Trees, if it
    has any, are all for the first."""
    torch.manual_seed(1)
    heads = {"classification": ClassHead(32, len(labels))}
    encoder, classes = EncoderConfig(**_SIZES), len(labels)
    model = FoundSignalModel(encoder, IMAGES, NUMBERS, heads=heads, trees=trees, classes=classes)
    contract = signal_contract(labels)
    if trees is not None:
        model.opinion.trees.value.data.view(trees.rounds, classes, -1)[:, 0, 0] = 4096
        contract["trees"] = asdict(trees)
    save_model_folder(folder, contract, model.state_dict())
    return str(folder)


def activity_model(folder) -> str:
    """A tiny model of activities with random weights, into `folder`; its head of motion sees how far slow changes stand
    out of noise."""
    torch.manual_seed(1)
    per_channel = {"channels": 2, "size": list(MOTION_SIZE), "per_channel": True, "measures": MOTION_MEASURES}
    labels = {"activity": list(NAMED), "presence": ["empty", "somebody"], "motion": ["quiet", "motion"]}
    tasks = {name: {"kind": "classification", "pooling": "rows", "labels": own} for name, own in labels.items()}
    tasks["motion"]["pooling"] = "measures"
    contract = {
        "name": "tiny",
        "encoder": _SIZES,
        "input": "image",
        "modality": "image",
        "input_image": {"channels": 1, "size": [52, 256]},
        "signal": {"kind": "csi_motion"},
        "image": per_channel,
        "tasks": tasks,
        "origin": {"data": "synthetic"},
    }
    network = build_network(draft_contract(contract, "test"))
    head = network.heads["motion"].linear
    torch.nn.init.zeros_(head.weight)
    head.weight.data[1, NAMES.index("usual8")] = 10.0
    head.bias.data[1] = -5.0
    save_model_folder(folder, contract, network.state_dict())
    return str(folder)


class WidthRule:
    """Names found signals by their bandwidth: "narrow" below 10 kHz, "wide" above 50 kHz, else "noise".

    `before_infer` is called with each batch; `shares`, if given, says the probabilities [n, 3] of a batch of n instead.
    """

    LABELS = ("narrow", "wide", "noise")

    def __init__(self, before_infer=None, shares=None):
        contract = {**signal_contract(self.LABELS), "format": 1, "weights_sha256": "0" * 64}
        self.contract = parse_contract(contract, "test")
        self.device, self.dtype, self.path = "cpu", "fp32", "rule"
        self.engine, self.engine_reason, self.origin = "torchscript", "asked for", "torchscript fp32"
        self.before_infer, self.shares = before_infer or (lambda observed: None), shares

    def warm(self, batch: int, antennas: int) -> None:
        pass

    def infer(self, observed: np.ndarray) -> dict[str, np.ndarray]:
        self.before_infer(observed)
        if self.shares is not None:
            return {"classification": self.shares(len(observed))}
        width = 10 ** observed[:, 0, -2].real
        best = np.where(width < 10e3, 0, np.where(width > 50e3, 1, 2))
        return {"classification": np.where(np.arange(3) == best[:, None], 0.8, 0.1).astype(np.float32)}

    def decide(self, outputs, i: int, threshold: float | None = None) -> dict[str, dict]:
        row = outputs["classification"][i]
        index = int(row.argmax())
        answer = {
            "label": self.LABELS[index],
            "index": index,
            "score": float(row[index]),
            "probabilities": dict(zip(self.LABELS, map(float, row), strict=True)),
        }
        return {"classification": answer}


def dense_bundle(folder, tasks: dict, **contract) -> str:
    """The bundle `task.wfm.pt` in `folder`, of a small network with random weights; see `image_contract`."""
    contract = image_contract(tasks, **contract)
    torch.manual_seed(1)
    save_model_folder(folder / "model", contract, build_network(draft_contract(contract, "test")).state_dict())
    return str(export_bundle(folder / "model", folder / "task.wfm.pt"))


def estimates_bundle(folder) -> str:
    """One of channel estimates by PILOTS."""
    task = {"kind": "channel_estimate", "pooling": "tokens", "grid": [16, 14], "planes": 2}
    image = {"channels": 2, "size": [16, 16]}
    return dense_bundle(folder, {"channel_estimate": task}, shape=(2, 4, 3), signal=PILOTS, image=image)
