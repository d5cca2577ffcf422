# SPDX-License-Identifier: GPL-3.0-or-later
"""The interference model in every engine and number format, on many synthetic windows."""

import numpy as np
import pytest
import torch
from bundle_files import needs_openvino

from wfm_core import load_bundle
from wfm_core.bundle.precision.dtype import has_bf16
from wfm_core.bundle.precision.quantise import has_int8
from wfm_core.bundle.self_test import limit
from wfm_core.synth.scenes.interference import InterferenceScenes

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
WINDOWS, AT_ONCE = 10_000, 250
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def asked() -> tuple[list[np.ndarray], np.ndarray]:
    """Images of windows of one and two antennas, and what PyTorch makes of them in float32."""
    bundle = load_bundle("wfm-interference", device="cpu", dtype="fp32", engine="torchscript")
    scenes, images = InterferenceScenes(bundle.contract.samples, torch.Generator().manual_seed(19), pool=6), []
    with torch.inference_mode():
        for number in range(WINDOWS // AT_ONCE):
            images.append(bundle._network.preprocess(scenes.draw(AT_ONCE, 1 + number % 2).iq).numpy())
    return images, np.concatenate([bundle.infer_prepared(image)["interference"] for image in images])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "dtype"),
    [
        ("torchscript", "bf16"), ("torchscript", "int8"),
        pytest.param("openvino", "fp32", marks=needs_openvino), pytest.param("openvino", "bf16", marks=needs_openvino),
        pytest.param("openvino", "int8", marks=needs_openvino),
    ],
)  # fmt: skip
def test_decisions_differ_within_the_tolerance(asked, engine, dtype):
    if not {"bf16": has_bf16, "int8": has_int8}.get(dtype, bool)(CPU):
        pytest.skip(f"this CPU has no {dtype} products")
    images, wanted = asked
    bundle = load_bundle("wfm-interference", device="cpu", dtype=dtype, engine=engine)
    given = np.concatenate([bundle.infer_prepared(image)["interference"] for image in images])
    assert len(given) == WINDOWS and min(np.bincount(wanted.argmax(1))) > WINDOWS / 20, "answers of every kind"
    apart, best = np.abs(given - wanted).max(1), np.sort(wanted, 1)
    others = given.argmax(1) != wanted.argmax(1)
    close = (best[others, -1] - best[others, -2]).max(initial=0.0)
    said = f"{bundle.origin}: at most {apart.max():.2g} apart, {others.sum()} other labels, of scores {close:.2g} apart"
    print(said)
    assert apart.max() <= limit(dtype) and close <= limit(dtype), said
