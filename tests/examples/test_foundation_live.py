# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped foundation, as a bundle in a flowgraph, on every number of antennas that it takes."""

import numpy as np
import pytest
import torch
from flowgraph_helpers import flowgraph, noise
from gnuradio import wfm
from gnuradio.wfm.ports import messages

from wfm_core.bundle.foundation import load_foundation
from wfm_core.bundle.from_foundation import export_foundation

SAMPLES = 256


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return export_foundation("wfm-base", tmp_path_factory.mktemp("bundle"), "iq", SAMPLES)


@pytest.mark.parametrize("antennas", [1, 2, 3, 4])
def test_its_embeddings_come_out_of_a_flowgraph(bundle, antennas):
    samples = noise(antennas, 6 * SAMPLES)
    block = wfm.inference(str(bundle), channels=antennas, policy="lossless", hold=0, sample_rate=1e6, dtype="fp32")
    graph = flowgraph(samples, block)
    graph.top.run()
    assert block.error() == ""
    seen = np.stack([values for *_, values in map(messages.read_embedding, graph.embeddings.messages)])
    foundation = load_foundation("wfm-base")
    windows = torch.from_numpy(samples.reshape(antennas, 6, SAMPLES).transpose(1, 0, 2).copy())
    wanted = foundation.model.embed_iq(foundation.preprocess["iq"](windows), "mean").numpy()
    np.testing.assert_allclose(seen, wanted, atol=1e-3)
