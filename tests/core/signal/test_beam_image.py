# SPDX-License-Identifier: GPL-3.0-or-later
"""Beams of a row, and the image of what some of its antennas hear."""

import math

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.base.quantities import beam_angles
from wfm_core.bundle.screening.operators import screen_graphs
from wfm_core.signal import build_preprocessor
from wfm_core.signal.channels.beam_image import BeamImage, codebook
from wfm_core.signal.channels.csi_profile import csi_parts
from wfm_core.synth.draws import complex_normal

SPARSE = [0, 1, 3, 6, 10, 12, 14, 15]


def waves(angles, elements, late=(0.0,), subcarriers=32, packets=4, seed=0):
    """CSI [1, antennas, subcarriers, packets] of paths from `angles`, `late` so many samples; a phase a packet."""
    generator = torch.Generator().manual_seed(seed)
    places, tones = torch.tensor(elements), torch.arange(subcarriers)
    sent = complex_normal((packets,), generator)
    total = torch.zeros(len(places), subcarriers, packets, dtype=torch.complex64)
    for angle, delay in zip(angles, late, strict=True):
        ahead = math.pi * places * math.sin(math.radians(angle))
        behind = -2 * math.pi * tones * delay / subcarriers
        moving = complex_normal((packets,), generator) if len(angles) > 1 else 1
        total += (
            torch.polar(torch.ones(()), ahead)[:, None, None]
            * torch.polar(torch.ones(()), behind)[None, :, None]
            * (sent * moving)
        )
    return total.unsqueeze(0)


def test_a_codebook_has_every_direction_once():
    assert beam_angles(4) == [-90, -45, 0, 45]
    waves = codebook(16, 64)
    assert waves.shape == (16, 64) and torch.allclose(waves.abs().square().sum(0), torch.ones(64).double())
    alike = (waves.mH @ waves).abs() - torch.eye(64)
    assert alike.max() < 1 - 1e-4, "no two are the same beam"


@pytest.mark.parametrize("elements", [SPARSE, list(range(8))])
def test_power_is_where_the_path_leaves(elements):
    image = BeamImage([16, 64], 32, elements)
    for beam in (12, 32, 45):
        seen = image(csi_parts(waves([beam_angles(64)[beam]], elements)))[0]
        assert seen.shape == (2, 16, 64)
        assert seen[1].argmax(1).tolist() == [beam] * 16 and seen[1].max() == 1
        row, column = divmod(int(seen[0].argmax()), 64)
        assert abs(column - beam) <= 1 and row == 6, "the mean delay at three eighths"


def test_a_sparse_row_tells_what_the_whole_row_has_along_its_beams():
    generator = torch.Generator().manual_seed(2)
    paths = complex_normal((1, 5, 4000), generator)
    angles = torch.tensor([-50.0, -20.0, 0.0, 15.0, 60.0])
    ahead = math.pi * torch.arange(16.0)[:, None] * torch.deg2rad(angles).sin()
    whole = (torch.polar(torch.ones_like(ahead), ahead) @ paths).unsqueeze(1)
    power = (codebook(16, 64).mH.to(torch.complex64) @ whole).abs().square().mean(3)
    told = BeamImage([16, 64], 32, SPARSE).along(whole[:, :, SPARSE])
    assert (told - power).abs().max() < 0.05 * power.max()


def test_paths_of_different_delays_are_in_rows_of_their_own():
    image = BeamImage([16, 64], 32, SPARSE)
    seen = image(csi_parts(waves([-30.0, 40.0], SPARSE, late=(0.0, 6.0))))[0, 0]
    first, second = (int((torch.tensor(beam_angles(64)) - angle).abs().argmin()) for angle in (-30.0, 40.0))
    early, late = int(seen[:, first].argmax()), int(seen[:, second].argmax())
    assert 4 <= late - early <= 8
    assert seen[early, first] > seen[early, second] + 0.2 and seen[late, second] > seen[late, first] + 0.2


def test_level_phases_and_delays_that_antennas_share_do_not_count():
    image = BeamImage([16, 64], 32, SPARSE)
    csi = waves([10.0, 30.0], SPARSE, late=(0.0, 3.0))
    turned = (
        csi
        * torch.polar(torch.tensor([0.1]), torch.arange(4.0))
        * torch.polar(torch.ones(32, 1), -0.2 * torch.arange(32.0)[:, None])
    )
    assert torch.allclose(image(csi_parts(turned)), image(csi_parts(csi)), atol=1e-3)


def test_it_is_made_of_operators_that_a_bundle_may_have():
    signal = {"kind": "beam_image", "size": [16, 64], "taps": 32, "elements": SPARSE}
    scripted = torch.jit.script(build_preprocessor(signal))
    screen_graphs(scripted, "test")
    assert scripted(torch.zeros(2, 16, 32, 4)).isfinite().all()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"elements": [0, 1, 4]}, "no two of them are 2 apart, so beams of 5 antennas"),
        ({"elements": [1, 2]}, "places of antennas in rising order, from 0"),
        ({"elements": [0, 1, 1]}, "places of antennas in rising order"),
        ({"taps": 8}, "out of 8 taps and 64 beams"),
        ({"beams": 1}, "and 1 beams"),
    ],
)
def test_settings_that_do_not_fit_are_named(changes, reason):
    with pytest.raises(WfmError, match=reason):
        build_preprocessor({"kind": "beam_image", "size": [16, 64], "taps": 32, "elements": SPARSE, **changes})
    with pytest.raises(ValueError, match="parts of 8 antennas"):
        BeamImage([16, 64], 32, SPARSE)(torch.zeros(1, 6, 32, 4))
