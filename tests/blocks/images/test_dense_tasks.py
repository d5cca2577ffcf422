# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers for every pixel in a flowgraph: they go out on `grids`, and make no decision."""

import numpy as np
import pmt
import torch
from finetune_sets import PIXELS
from flowgraph_helpers import Collector
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.images import image_messages
from gnuradio.wfm.images.image import Image
from image_bundles import Sender, dense_bundle, estimates_bundle

from wfm_core import load_bundle
from wfm_core.signal.channels.csi_profile import csi_parts


def answered(bundle: str, messages, first=None):
    """Messages on `grids` and on `detects`, of `messages` to `first` or to WFM Image Inference itself."""
    inference = wfm.image_inference(bundle, policy="lossless", device="cpu", dtype="fp32", engine="torchscript")
    top, sender, grids, detects = gr.top_block(), Sender(messages), Collector(), Collector()
    top.connect(sender, blocks.null_sink(1))
    if first is None:
        top.msg_connect(sender, "out", inference, "images")
    else:
        top.msg_connect(sender, "out", first, "csi")
        top.msg_connect(first, "images", inference, "images")
    top.msg_connect(inference, "grids", grids, "in")
    top.msg_connect(inference, "detects", detects, "in")
    top.run()
    return grids.messages, detects.messages


def test_channels_of_pilots_that_come_as_packets(tmp_path):
    path = estimates_bundle(tmp_path)
    generator = torch.Generator().manual_seed(2)
    slots = torch.randn(5, 4, 3, dtype=torch.complex64, generator=generator)
    symbols = slots.permute(0, 2, 1).flatten(0, 1).tolist()
    packets = [
        pmt.cons(pmt.to_pmt({"packet_num": number}), pmt.init_c32vector(4, values))
        for number, values in enumerate(symbols)
    ]
    csi = wfm.csi_image("pdus", antennas=1, fft_len=4, packets=3, values="complex")
    grids, detects = answered(path, packets, csi)
    truth = load_bundle(path, device="cpu", dtype="fp32").infer_image(csi_parts(slots.unsqueeze(1)).numpy())
    assert len(grids) == 5 and detects == []
    for number, message in enumerate(grids):
        fields = pmt.to_python(pmt.car(message))
        assert fields["task"] == "channel_estimate" and fields["shape"] == [2, 16, 14]
        assert (fields["sample_start"], fields["sample_count"]) == (3 * number, 3)
        values = np.reshape(pmt.f32vector_elements(pmt.cdr(message)), fields["shape"])
        np.testing.assert_allclose(values, truth["channel_estimate"][number], atol=1e-4)


def test_classes_of_pixels(tmp_path):
    task = {"kind": "segmentation", "pooling": "tokens", "grid": [16, 16], "labels": list(PIXELS)}
    path = dense_bundle(tmp_path, {"segmentation": task})
    pixels = np.random.default_rng(1).random((4, 1, 6, 8), np.float32)
    grids, detects = answered(
        path, [image_messages.image_pdu(Image(one, 8 * number, 8)) for number, one in enumerate(pixels)]
    )
    truth = load_bundle(path, device="cpu", dtype="fp32").infer_image(pixels)["segmentation"].argmax(1)
    assert len(grids) == 4 and detects == [] and len(np.unique(truth)) > 1
    for number, message in enumerate(grids):
        fields = pmt.to_python(pmt.car(message))
        assert fields["shape"] == [16, 16] and tuple(fields["labels"]) == PIXELS
        values = np.reshape(pmt.u8vector_elements(pmt.cdr(message)), fields["shape"])
        np.testing.assert_array_equal(values, truth[number])
