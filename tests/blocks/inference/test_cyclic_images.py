# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of kind cyclic_image made in C++: PyTorch's within 1e-3, for every number of antennas and for bad samples."""

import threading

import numpy as np
import pytest
import torch
from bundle_files import make_folder
from flowgraph_helpers import Collector
from gnuradio import blocks, gr, wfm

from wfm_core import load_bundle
from wfm_core.signal.images import CyclicImage
from wfm_core.synth.scenes.interference import InterferenceScenes
from wfm_core.synth.scenes.others import OtherTechnologies

WITHIN = 1e-3


@pytest.fixture(scope="module")
def maker():
    return wfm.wfm_python.cyclic_images()


def same_as_torch(maker, iq: np.ndarray) -> np.ndarray:
    made = maker.images(iq)
    assert made.shape == (len(iq), 5, 32, 64) and made.dtype == np.float32
    np.testing.assert_allclose(made, CyclicImage()(torch.from_numpy(iq)).numpy(), rtol=0, atol=WITHIN)
    return made


def scenes(antennas: int, count: int = 24, windows: int = 1) -> np.ndarray:
    generator = torch.Generator().manual_seed(antennas)
    return InterferenceScenes(windows * 4096, generator, pool=6, stretch=3).draw(count, antennas).iq.numpy()


@pytest.mark.parametrize("antennas", [1, 2, 3, 4])
def test_they_are_torch_s_images_of_scenes(maker, antennas):
    made = same_as_torch(maker, scenes(antennas))
    assert made[:, 1:].max() > 1, "no lines: nothing was compared"


@pytest.mark.parametrize(("windows", "antennas"), [(2, 3), (7, 1), (32, 2), (7, 1)])
def test_they_are_torch_s_images_of_several_windows_in_a_row(maker, windows, antennas):
    same_as_torch(maker, scenes(antennas, 4, windows))


def test_one_nan_in_a_row_of_windows_makes_all_channels_nan(maker):
    iq = scenes(1, 2, windows=3)
    iq[1, 0, 9000] = complex(np.nan, 0)
    made = same_as_torch(maker, iq)
    assert np.isnan(made[1, 1:]).all() and np.isfinite(made[0]).all()


@pytest.mark.parametrize("antennas", [1, 4])
def test_they_are_torch_s_images_of_other_technologies(maker, antennas):
    others = OtherTechnologies(4096, torch.Generator().manual_seed(7))
    same_as_torch(maker, others.draw(48, antennas).iq.numpy())


def test_they_are_torch_s_images_of_noise_at_any_level(maker):
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((6, 2, 4096, 2), np.float32).view(np.complex64)[..., 0]
    same_as_torch(maker, noise * np.float32([1e-4, 1e-2, 1, 10, 100, 1000])[:, None, None])


def test_the_thread_still_knows_denormal_numbers(maker):
    """VOLK's kernels may leave the processor flushing them to zero."""
    maker.images(np.ones((1, 1, 4096), np.complex64))
    assert float.fromhex("0x1p-1074") * 1.0 > 0


def test_windows_that_clip_throughout(maker):
    square = np.sign(scenes(1).view(np.float32)).view(np.complex64)
    same_as_torch(maker, square)


@pytest.mark.parametrize("antennas", [1, 4])
def test_zeros_make_the_darkest_image(maker, antennas):
    made = same_as_torch(maker, np.zeros((2, antennas, 4096), np.complex64))
    assert (made[:, 0] == 0).all() and (made[:, 1:] == -1).all()


def test_a_window_with_a_nan_is_nan_and_its_neighbours_are_not(maker):
    iq = scenes(2, 3)
    iq[1, 1, 100] = complex(np.nan, 0)
    made = same_as_torch(maker, iq)
    assert np.isnan(made[1]).all() and np.isfinite(made[[0, 2]]).all()


def test_a_window_with_an_infinite_sample_is_nan(maker):
    iq = scenes(1, 2)
    iq[0, 0, 7] = complex(0, np.inf)
    made = maker.images(iq)
    assert np.isnan(made[0]).all() and np.isfinite(made[1]).all()


def test_where_the_fourth_power_overflows_only_its_channel_is_nan(maker):
    made = maker.images(scenes(1, 1) / np.float32(1e-11))
    assert np.isnan(made[0, 4]).all() and np.isfinite(made[0, :2]).all()


@pytest.mark.parametrize(
    "windows",
    [
        np.zeros((1, 1, 4095), np.complex64),
        np.zeros((1, 1, 0), np.complex64),
        np.zeros((1, 1, 6144), np.complex64),
        np.zeros((1, 0, 4096), np.complex64),
        np.zeros((1, 4096), np.complex64),
        np.zeros((1, 1, 4096), np.complex128),
        np.zeros((1, 4, 8192), np.complex64)[:, :, ::2],
    ],
)
def test_other_arrays_are_refused(maker, windows):
    with pytest.raises(ValueError, match="complex64 array of shape .windows, 1 or more antennas, 4096 or a multiple."):
        maker.images(windows)


def test_no_windows_make_no_images(maker):
    assert maker.images(np.zeros((0, 1, 4096), np.complex64)).shape == (0, 5, 32, 64)


def test_threads_may_share_one(maker):
    iq = scenes(1)
    alone, results = maker.images(iq), []
    threads = [threading.Thread(target=lambda: results.append(maker.images(iq))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(np.array_equal(alone, one) for one in results)


def test_the_shipped_model_answers_alike(maker):
    bundle = load_bundle("wfm-interference", device="cpu", dtype="fp32")
    assert bundle.prepared_kind == "cyclic_image"
    iq = scenes(2)
    ours, torchs = bundle.infer_prepared(maker.images(iq)), bundle.infer(iq)
    np.testing.assert_allclose(ours["interference"], torchs["interference"], atol=2e-3)


def test_a_flowgraph_decides_by_them_as_the_bundle_does(tmp_path, monkeypatch):
    image = {"modality": "image", "signal": {"kind": "cyclic_image"}, "image": {"channels": 5, "size": [32, 64]}}
    model = make_folder(tmp_path / "model", **image, window={"antennas": 2, "samples": 4096})
    bundle, iq, made = load_bundle(str(model), device="cpu", dtype="fp32"), scenes(2, 7), []
    begin = bundle.begin_prepared
    monkeypatch.setattr(bundle, "begin_prepared", lambda images: made.append(len(images)) or begin(images))
    block, got = wfm.inference(bundle, channels=2, policy="lossless", batch=4), Collector()
    top = gr.top_block()
    for antenna in range(2):
        source = blocks.vector_source_c(iq[:, antenna].ravel().tolist())
        top.connect(source, (block, antenna), blocks.null_sink(gr.sizeof_gr_complex))
    top.msg_connect(block, "detects", got, "in")
    top.run()
    assert sum(made) == 7, "every window by images made in C++"
    scores = [one.decision["probabilities"]["a"] for one in got.detections() if one.task == "interference"]
    np.testing.assert_allclose(scores, bundle.infer(iq)["interference"][:, 1], atol=2e-3)
