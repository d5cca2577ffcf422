# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm.spectrogram against wfm_core.signal, the definition; its tags, the stream's tail, and what it refuses."""

import numpy as np
import pmt
import pytest
import torch
from gnuradio import blocks, gr, wfm
from paced_source import PacedSource
from waiting import wait_for

from wfm_core.signal import Spectrogram
from wfm_core.signal.spectrogram import decibels, hann, spectrogram

TOLERANCE = 1e-3
STATISTICS = {"minimum": -60.0, "maximum": 15.0, "mean": 0.6, "std": 0.2}


def noise(samples: int) -> np.ndarray:
    parts = np.random.default_rng(7).standard_normal((samples, 2), dtype=np.float32) * np.float32(0.1)
    return parts.view(np.complex64)[:, 0]


def tone(samples: int) -> np.ndarray:
    """0.137 of the sample rate, 27 dB over the noise."""
    return (np.exp(2j * np.pi * 0.137 * np.arange(samples)) + 0.3 * noise(samples)).astype(np.complex64)


def run(iq: np.ndarray, item: int, tags=(), **parameters) -> tuple[np.ndarray, list]:
    """All items of the block, float32 [items, item], and the tags on them."""
    top = gr.top_block()
    source = blocks.vector_source_c(iq.tolist(), False, 1, list(tags))
    sink = blocks.vector_sink_f(item)
    top.connect(source, wfm.spectrogram(**parameters), sink)
    top.run()
    return np.array(sink.data(), dtype=np.float32).reshape(-1, item), list(sink.tags())


def tag(offset: int, value: float) -> gr.tag_t:
    made = gr.tag_t()
    made.offset, made.key, made.value = offset, pmt.intern("rx_time"), pmt.from_double(value)
    return made


def expected_rows(iq: np.ndarray, fft_size: int, hop: int) -> np.ndarray:
    return decibels(spectrogram(torch.from_numpy(iq), hann(fft_size), hop)).numpy()


@pytest.mark.parametrize("signal", [noise, tone])
@pytest.mark.parametrize(("fft_size", "hop"), [(64, 64), (64, 16), (255, 100), (32, 75), (16384, 1000)])
def test_rows_are_those_of_the_definition(signal, fft_size, hop):
    iq = signal(40_011)
    rows, _ = run(iq, fft_size, fft_size=fft_size, hop=hop)
    expected = expected_rows(iq, fft_size, hop)
    assert rows.shape == expected.shape
    # Rounding in float32 is relative to the strongest bin: far below it the definition is uncertain by more than this.
    certain = expected > expected.max(axis=1, keepdims=True) - 40
    assert signal is tone or certain.mean() > 0.9  # a pure tone has few such bins; noise covers the others
    assert np.abs(rows - expected)[certain].max() < TOLERANCE


@pytest.mark.parametrize("signal", [noise, tone])
@pytest.mark.parametrize(
    ("fft_size", "hop", "window", "size"),
    [(64, 64, 4096, [32, 64]), (64, 16, 1024, [224, 224]), (255, 100, 5000, [17, 31]), (256, 300, 20_000, [16, 300])],
)
def test_images_are_those_of_the_definition(signal, fft_size, hop, window, size):
    iq = signal(3 * window + window // 2)
    settings = {"height": size[0], "width": size[1], **STATISTICS}
    images, _ = run(iq, size[0] * size[1], fft_size=fft_size, hop=hop, output="images", window=window, **settings)
    windows = torch.from_numpy(iq[: 3 * window]).view(3, 1, window)
    expected = Spectrogram(fft_size, hop, size, **STATISTICS)(windows).flatten(1).numpy()
    assert images.shape == expected.shape
    assert np.abs(images - expected).max() < TOLERANCE


def test_silence_is_finite_and_as_defined():
    shape = {"height": 8, "width": 8}
    images, _ = run(np.zeros(1024, np.complex64), 64, fft_size=64, hop=64, output="images", window=1024, **shape)
    expected = Spectrogram(64, 64, [8, 8], -60.0, 20.0, 0.5, 0.25)(torch.zeros(1, 1, 1024, dtype=torch.complex64))
    assert np.abs(images - expected.flatten(1).numpy()).max() < TOLERANCE


@pytest.mark.parametrize(("fft_size", "hop"), [(64, 64), (64, 10), (16, 50)])
def test_tags_land_on_the_row_whose_step_holds_their_sample(fft_size, hop):
    offsets = [0, 1, hop - 1, hop, 7 * hop + 3, 200 * hop]
    _, tags = run(noise(40_000), fft_size, [tag(o, float(o)) for o in offsets], fft_size=fft_size, hop=hop)
    found = sorted((int(pmt.to_double(t.value)), t.offset) for t in tags)
    assert found == [(o, o // hop) for o in offsets]


@pytest.mark.parametrize("chunk", [1, 63, 64, 100, 1000, 5000])
@pytest.mark.parametrize(("fft_size", "hop"), [(64, 64), (64, 32), (64, 65), (64, 1000), (16, 5000)])
def test_no_tag_is_lost_however_the_samples_come(fft_size, hop, chunk):
    """Those of the samples between two transforms come after the first of these, and still are on its row."""
    offsets = range(0, 20_000, 100)
    tags = [tag(offset, float(offset)) for offset in offsets]
    source = blocks.vector_source_c(noise(20_000 - 1).tolist(), False, 1, tags)
    pieces, sink, top = blocks.copy(gr.sizeof_gr_complex), blocks.vector_sink_f(fft_size), gr.top_block()
    pieces.set_max_noutput_items(chunk)
    top.connect(source, pieces, wfm.spectrogram(fft_size=fft_size, hop=hop), sink)
    top.run()
    rows = (20_000 - 1 - fft_size) // hop + 1
    assert len(sink.data()) == rows * fft_size
    found = sorted((int(pmt.to_double(t.value)), t.offset) for t in sink.tags())
    assert found == [(offset, offset // hop) for offset in offsets if offset // hop < rows]


@pytest.mark.parametrize(("fft_size", "hop"), [(64, 1000), (64, 16)])
def test_each_run_begins_with_its_first_sample(fft_size, hop):
    source = blocks.vector_source_c(noise(30_500).tolist())  # it ends amid a step
    sink, top = blocks.vector_sink_f(fft_size), gr.top_block()
    top.connect(source, wfm.spectrogram(fft_size=fft_size, hop=hop), sink)
    runs = []
    for _ in range(3):
        top.run()
        runs.append(np.array(sink.data()))
        source.rewind()
        sink.reset()
    assert len(runs[0]) == ((30_500 - fft_size) // hop + 1) * fft_size
    assert np.array_equal(runs[0], runs[1]) and np.array_equal(runs[0], runs[2])


def test_rows_begin_again_after_lock_and_unlock():
    """The scheduler counts the samples from 0 then, so that row k is still that of sample k * hop."""
    source, sink, top = PacedSource(), blocks.vector_sink_f(64), gr.top_block()
    block = wfm.spectrogram(fft_size=64, hop=1000)
    top.connect(source, block, sink)
    top.start()
    source.give(2500)
    wait_for(lambda: block.nitems_read(0) == 2500)
    wait_for(lambda: len(sink.data()) == 2 * 64)
    top.lock()
    top.unlock()
    source.give(1064)
    source.give(None)
    top.wait()
    assert len(sink.data()) == 4 * 64
    assert block.nitems_read(0) == 1064


@pytest.mark.parametrize("hop", [10_000_000, 200_000_000, 2**31 - 1])
def test_a_hop_longer_than_any_buffer(hop):
    rows, tags = run(noise(40_000), 64, [tag(39_999, 1.0)], fft_size=64, hop=hop)
    assert len(rows) == 1
    assert [t.offset for t in tags] == [0]


def test_tags_of_images_land_on_their_window():
    tags = [tag(o, float(o)) for o in (0, 1023, 1024, 2500)]
    shape = {"height": 8, "width": 8}
    _, found = run(noise(3072), 64, tags, fft_size=64, hop=64, output="images", window=1024, **shape)
    assert sorted((int(pmt.to_double(t.value)), t.offset) for t in found) == [(0, 0), (1023, 0), (1024, 1), (2500, 2)]


@pytest.mark.parametrize("samples", [1, 63, 64, 65, 127, 128])
def test_a_tail_shorter_than_a_transform_ends_the_stream(samples):
    rows, _ = run(noise(samples), 64, fft_size=64, hop=64)
    assert len(rows) == samples // 64


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fft_size": 1}, "fft_size is 1, expected: 2 or more"),
        ({"hop": 0}, "hop is 0, expected: 1 or more"),
        ({"output": "picture"}, "'picture', expected: rows or images"),
        ({"window": 63}, "window is 63, expected: fft_size"),
        ({"height": 0}, "height is 0"),
        ({"width": 0}, "width is 0"),
        ({"maximum": -60.0}, "maximum is -60, expected: more than the minimum"),
        ({"std": 0.0}, "std is 0, expected: more than 0"),
        ({"fft_size": 2**30}, "fft_size is 1073741824, expected: 2 or more samples, and 16777216 at most"),
        ({"window": 2**31 - 1}, "window is 2147483647, expected: .* 16777216 at most"),
        ({"window": 2**24, "fft_size": 2**16, "hop": 1}, "hop is 1, expected: a greater one"),
        ({"height": 2**20, "width": 2**20}, "height is 1048576, expected: 16 pixels at most"),
    ],
)
def test_a_bad_parameter_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        wfm.spectrogram(**{"fft_size": 64, "hop": 64, "output": "images", **change})
