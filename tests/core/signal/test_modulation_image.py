# SPDX-License-Identifier: GPL-3.0-or-later
"""The image that tells modulations: products that no phase changes, and waveforms that are turned back."""

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.signal import build_preprocessor
from wfm_core.signal.modulation_image import LAGS
from wfm_core.synth.radioml import LABELS, Transmitters


def of(iq, **changes):
    return build_preprocessor({"kind": "modulation_image", **changes})(iq)


@pytest.fixture(scope="module")
def windows():
    label = torch.arange(2 * len(LABELS)) % len(LABELS)
    return Transmitters(torch.Generator().manual_seed(3)).draw(label, torch.full(label.shape, 20.0))


def test_products_are_those_of_the_window(windows):
    x = windows[0, 0].numpy().astype(np.complex128)
    x /= np.sqrt(np.mean(np.abs(x) ** 2))
    rows = of(windows)[0, 0].numpy()
    np.testing.assert_allclose(rows[0], np.abs(x) - 1, atol=1e-4)
    np.testing.assert_allclose(rows[1], np.clip(np.abs(x) ** 2 - 1, -4, 4), atol=1e-4)
    for place, lag in enumerate(LAGS):
        wanted = x[lag:] * x[:-lag].conj()
        np.testing.assert_allclose(rows[2 + 2 * place, :-lag], wanted.real.clip(-4, 4), atol=1e-4)
        np.testing.assert_allclose(rows[3 + 2 * place, :-lag], wanted.imag.clip(-4, 4), atol=1e-4)
        assert not rows[2 + 2 * place : 4 + 2 * place, -lag:].any()


def test_level_and_phase_change_no_product(windows):
    one, other = of(windows), of(1e-3 * windows * torch.polar(torch.tensor(1.0), torch.tensor(1.1)))
    torch.testing.assert_close(one[:, :2], other[:, :2], atol=1e-3, rtol=1e-3)
    assert one.shape == (2 * len(LABELS), 3, 16, 128) and float(one.abs().max()) <= 4
    assert not of(torch.zeros(1, 1, 128, dtype=torch.complex64))[:, 2].any()


def test_the_carrier_of_bpsk_is_turned_out():
    transmitters = Transmitters(torch.Generator().manual_seed(5))
    sent = transmitters.sent("BPSK", 40, 128)[:, None]
    # in bins of the transform, 1 / (4 * 128) of the rate: of the square it is twice as far off
    carrier = torch.polar(torch.ones(128), 2 * torch.pi * (3 / 1024 * torch.arange(128) + 0.2))
    image = of(sent * carrier)
    along, across = (image[:, 2, row].square().mean() for row in (2, 3))
    assert float(along) > 20 * float(across), "all of it is real"
    assert 0.3 < float(image[:, 2, 11].square().mean() / image[:, 2, 10].square().mean()) < 3, "as received it is not"


def test_it_can_be_scripted(windows):
    image = build_preprocessor({"kind": "modulation_image"})
    torch.testing.assert_close(torch.jit.script(image)(windows), image(windows))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="2 antennas x 128 samples; expected 1 and a multiple of 16"):
        of(torch.zeros(1, 2, 128, dtype=torch.complex64))
    with pytest.raises(WfmError, match="symbol_samples 1; expected 2 to 64"):
        of(torch.zeros(1), symbol_samples=1)
