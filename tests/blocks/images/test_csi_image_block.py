# SPDX-License-Identifier: GPL-3.0-or-later
"""WFM CSI Image: channel vectors as PDUs and as tags, and what is no such thing."""

import numpy as np
import pmt
import pytest
import torch
from flowgraph_helpers import Collector
from gnuradio import blocks, gr, wfm
from gnuradio.wfm.images import image_messages
from image_bundles import Sender

from wfm_core.base.errors import WfmError
from wfm_core.signal import CsiImage

FFT = 8


def taps(seed: int, length: int = FFT) -> np.ndarray:
    real, imaginary = np.random.default_rng(seed).standard_normal((2, length))
    return (real + 1j * imaginary).astype(np.complex64)


def vector(values: np.ndarray) -> pmt.pmt_base:
    return pmt.init_c32vector(len(values), values.tolist())


def csi(number: int, antenna=None, values=None, **more) -> pmt.pmt_base:
    fields = {"packet_num": number, **({} if antenna is None else {"antenna": antenna}), **more}
    return pmt.cons(pmt.to_pmt(fields), vector(taps(number) if values is None else values))


def run_pdus(block, messages) -> list[image_messages.Image]:
    top, sink = gr.top_block(), Collector()
    sender = Sender(messages)
    top.connect(sender, blocks.null_sink(1))
    top.msg_connect(sender, "out", block, "csi")
    top.msg_connect(block, "images", sink, "in")
    top.run()
    return [image_messages.read_image(m) for m in sink.messages]


def tag(offset: int, key: str, value) -> gr.tag_t:
    made = gr.tag_t()
    made.offset, made.key, made.value = offset, pmt.intern(key), value
    return made


def run_tags(block, streams, items: int = 40) -> list[image_messages.Image]:
    """streams: a list of tags for each antenna; the samples themselves are zeros."""
    top, sink = gr.top_block(), Collector()
    for antenna, tags in enumerate(streams):
        top.connect(blocks.vector_source_c([0j] * (FFT * items), False, FFT, tags), (block, antenna))
    top.msg_connect(block, "images", sink, "in")
    top.run()
    return [image_messages.read_image(m) for m in sink.messages]


def amplitudes(numbers, rows=slice(None)) -> np.ndarray:
    return np.stack([np.abs(taps(n))[rows] for n in numbers], axis=-1)


def test_pdus_become_images():
    block = wfm.csi_image("pdus", fft_len=FFT, subcarriers=[1, 2, 6], packets=4, hop=2)
    images = run_pdus(block, [csi(n, rx_time=(n, 0.5), rx_freq=5.18e9) for n in range(8)])
    assert [i.pixels.shape for i in images] == [(1, 3, 4)] * 3
    for image, first in zip(images, (0, 2, 4), strict=True):
        assert np.allclose(image.pixels[0], amplitudes(range(first, first + 4), [1, 2, 6]), atol=1e-6)
        assert (image.sample_start, image.sample_count, image.rx_time) == (first, 4, (first, 0.5))
        assert image.rx_freq == 5.18e9 and image.packets_lost == 0
    status = block.status()
    assert (status["vectors_in"], status["packets_in"], status["images_out"], status["refused"]) == (8, 8, 3, 0)


def test_complex_values_become_twice_as_many_channels():
    block = wfm.csi_image("pdus", fft_len=FFT, packets=2, values="complex")
    image = run_pdus(block, [csi(n) for n in range(2)])[0].pixels
    wanted = np.stack([taps(n) for n in range(2)], axis=-1)
    assert np.allclose(image, [wanted.real, wanted.imag], atol=1e-6)
    signal = {"kind": "csi_profile", "size": [8, 16], "taps": 16}
    block = wfm.csi_image("pdus", fft_len=FFT, packets=2, values="complex", signal=signal)
    assert run_pdus(block, [csi(n) for n in range(2)])[0].pixels.shape == (1, 8, 16)
    for bad in ({"values": "phase"}, {"signal": signal}):
        with pytest.raises(WfmError, match="values is|do not fit"):
            wfm.csi_image("pdus", fft_len=FFT, packets=2, **bad)


def test_antennas_become_channels_and_lost_packets_are_counted():
    block = wfm.csi_image("pdus", antennas=2, fft_len=FFT, packets=4)
    came = [(0, 0), (0, 1), (1, 0), (3, 1), (3, 0)]  # packet 1 has one antenna, 2 has none
    images = run_pdus(block, [csi(n, antenna, taps(n) * (1 + antenna)) for n, antenna in came])
    wanted = amplitudes([0, 3])
    assert images[0].pixels.shape == (2, FFT, 4) and images[0].packets_lost == 2
    assert np.allclose(images[0].pixels[1][:, [0, 3]], 2 * wanted, atol=1e-5)
    assert np.allclose(images[0].pixels[0][:, 1], wanted @ [2 / 3, 1 / 3], atol=1e-5), "filled in linearly"
    status = block.status()
    assert (status["packets_lost"], status["packets_incomplete"]) == (2, 1)


def test_taps_in_the_dict_of_any_pdu():
    block = wfm.csi_image("pdus", fft_len=FFT, packets=2)
    payload = pmt.init_u8vector(2, [1, 2])
    fields = [pmt.to_pmt({"packet_num": n}) for n in range(2)]
    sent = [pmt.dict_add(f, pmt.intern("ofdm_sync_chan_taps"), vector(taps(n))) for n, f in enumerate(fields)]
    images = run_pdus(block, [pmt.cons(f, payload) for f in sent])
    assert np.allclose(images[0].pixels[0], amplitudes([0, 1]), atol=1e-6)


def test_pdus_of_other_shapes_are_counted_and_ignored():
    block = wfm.csi_image("pdus", fft_len=FFT, packets=2)
    infinite = taps(1)
    infinite[3] = np.inf
    strange = [
        pmt.intern("x"),
        pmt.PMT_NIL,
        pmt.to_pmt({"packet_num": 1}),
        pmt.cons(pmt.intern("no dict"), vector(taps(1))),
        pmt.cons(pmt.PMT_NIL, pmt.init_u8vector(2, [1, 2])),
        pmt.cons(pmt.make_dict(), pmt.init_f32vector(FFT, [0.0] * FFT)),
        csi(1, values=taps(1, FFT + 1)),
        csi(1, values=infinite),
        csi(1, antenna=1),
        csi(1, antenna="left"),
        csi("one", values=taps(1)),
        csi(1, rx_time=3.5),
        csi(1, rx_freq="5 GHz"),
    ]
    images = run_pdus(block, [csi(0), *strange, csi(1)])
    assert len(images) == 1 and np.allclose(images[0].pixels[0], amplitudes([0, 1]), atol=1e-6)
    assert block.status()["refused"] == len(strange) and block.status()["vectors_in"] == 2


def test_tags_become_images():
    tags = [[], []]
    for antenna, number in ((0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 3), (0, 3)):
        at = 3 * number + 1
        tags[antenna] += [
            tag(at, "ofdm_sync_chan_taps", vector(taps(number) * (1 + antenna))),
            tag(at, "packet_num", pmt.from_long(number)),
            tag(at + 1, "packet_num", pmt.from_long(77)),  # of no packet with taps
        ]
    tags[0].append(tag(30, "ofdm_sync_chan_taps", pmt.intern("nonsense")))
    tags[0].append(tag(31, "ofdm_sync_chan_taps", vector(taps(1, FFT - 1))))
    block = wfm.csi_image("tags", antennas=2, fft_len=FFT, packets=4)
    images = run_tags(block, tags)
    assert len(images) == 1 and images[0].packets_lost == 1
    assert np.allclose(images[0].pixels[1][:, [0, 1, 3]], 2 * amplitudes([0, 1, 3]), atol=1e-5)
    status = block.status()
    assert (status["refused"], status["packets_in"], status["packets_incomplete"]) == (2, 3, 1)


def test_a_stream_without_tags_ends():
    assert run_tags(wfm.csi_image(fft_len=FFT), [[]], items=7) == []


def test_ready_images_are_those_of_the_one_transform():
    signal = {"size": [16, 16], "minimum": 0.0, "maximum": 2.0, "mean": [0.5], "std": [0.2]}
    block = wfm.csi_image("pdus", fft_len=FFT, packets=4, signal={"kind": "csi_image", **signal})
    image = run_pdus(block, [csi(n) for n in range(4)])[0]
    wanted = CsiImage(**signal)(torch.from_numpy(amplitudes(range(4)).astype(np.float32))[None, None])[0]
    assert image.pixels.shape == (1, 16, 16) and np.allclose(image.pixels, wanted, atol=1e-6)
    assert (image.sample_start, image.sample_count) == (0, 4), "the place is in packets all the same"


@pytest.mark.parametrize(
    "bad",
    [
        {"source": "file"},
        {"fft_len": 0},
        {"subcarriers": [8]},
        {"subcarriers": [-1]},
        {"subcarriers": [0.5]},
        {"packets": 0},
        {"max_gap": 4000},
        {"signal": {"kind": "iq_rms"}},
        {"signal": {"kind": "csi_image", "size": [16, 16], "minimum": 0, "maximum": 1, "mean": [0, 0], "std": [1, 1]}},
    ],
    ids=str,
)
def test_parameters_out_of_range(bad):
    with pytest.raises(WfmError, match="expected|fix"):
        wfm.csi_image(**{"source": "pdus", "fft_len": FFT, **bad})
