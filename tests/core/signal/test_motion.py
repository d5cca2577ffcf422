# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of windows of CSI: noise is not motion, whatever its level, and motion is, whatever the gain."""

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.bundle import draft_contract, load_bundle, save_model_folder
from wfm_core.bundle.assemble import build_network
from wfm_core.signal import build_preprocessor
from wfm_core.signal.motion import LEAST_PACKETS, MOTION_MEASURES, MOTION_SIZE, NAMES, CsiMotion, relative_to_packet

PACKETS = 256


def link(noise: float, moves: float = 0.0, hertz: float = 3.0, packets: int = PACKETS, subcarriers: int = 52):
    """Amplitudes [1, 1, subcarriers, packets] of a room, of a wave in it that differs over the subcarriers (100 packets
    a second), and of noise."""
    generator = torch.Generator().manual_seed(3)
    room = 1 + 0.3 * torch.cos(torch.linspace(0, 5, subcarriers))[:, None]
    time = torch.arange(packets) / 100
    wave = torch.cos(2 * torch.pi * hertz * time + torch.linspace(0, 4, subcarriers)[:, None])
    return (room + moves * wave + noise * torch.randn(subcarriers, packets, generator=generator))[None, None]


def numbers(amplitude: torch.Tensor) -> dict[str, float]:
    """Of the last packets, by name."""
    measured = CsiMotion()(amplitude)[1]
    assert measured.shape == (len(amplitude), MOTION_MEASURES)
    return dict(zip(NAMES, measured[0, : len(NAMES)].tolist(), strict=True))


@pytest.mark.parametrize("noise", [0.003, 0.03, 0.1])
def test_noise_of_any_level_stands_out_of_nothing(noise):
    found = numbers(link(noise))
    assert all(abs(found[f"{kind}{length}"]) < 0.15 for kind in ("excess", "usual") for length in (4, 8, 16))
    assert abs(found["lag1"]) < 0.1
    assert found["white"] == pytest.approx(found["total"], abs=0.1)


def test_motion_stands_out_of_noise():
    found = numbers(link(0.03, moves=0.1))
    assert found["excess8"] > 0.8 and found["usual8"] > 0.8 and found["lag1"] > 0.7


def test_a_gain_control_changes_nothing():
    amplitude = link(0.03, moves=0.1)
    gains = torch.rand(PACKETS, generator=torch.Generator().manual_seed(1)) + 0.5
    image, measured = CsiMotion()(amplitude * gains)
    other, others = CsiMotion()(amplitude)
    torch.testing.assert_close(image, other, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(measured, others, atol=1e-3, rtol=1e-3)


def test_the_last_packets_are_now():
    amplitude = link(0.03, moves=0.1)
    amplitude[..., -LEAST_PACKETS:] = link(0.03, packets=LEAST_PACKETS)
    measured = CsiMotion()(amplitude)[1][0]
    place = NAMES.index("usual8")
    assert measured[place] < 0.15 and measured[len(NAMES) + place] > 0.5


def test_subcarriers_that_are_not_used_say_nothing():
    amplitude = link(0.03, moves=0.1)
    wider = torch.nn.functional.pad(amplitude, (0, 0, 6, 6))
    found, expected = numbers(wider), numbers(amplitude)
    assert found["excess8"] == pytest.approx(expected["excess8"], abs=0.02)


def test_the_spectrogram_shows_how_fast():
    """A row is 100 / 64 Hz of a hundred packets a second."""
    for hertz in (6.25, 25.0):
        image = CsiMotion()(link(0.01, moves=0.1, hertz=hertz))[0]
        assert image.shape == (1, 2, *MOTION_SIZE)
        assert int(image[0, 1].mean(1).argmax()) == round(hertz / (100 / 64)) - 1


def test_antennas_are_taken_together():
    both = torch.cat([link(0.03), link(0.03, moves=0.1)], 1)
    image, measured = CsiMotion()(both)
    parts = [CsiMotion()(both[:, one : one + 1]) for one in range(2)]
    assert image.shape == (1, 4, *MOTION_SIZE)
    torch.testing.assert_close(image[:, [0, 2]], parts[0][0])
    torch.testing.assert_close(measured, (parts[0][1] + parts[1][1]) / 2)


def test_what_is_dead_or_odd_stays_finite():
    for amplitude in (torch.zeros(1, 1, 52, PACKETS), torch.full((1, 1, 52, PACKETS), 3.0), 1e9 * link(0.5)):
        assert all(part.isfinite().all() for part in CsiMotion()(amplitude))
    assert relative_to_packet(torch.zeros(1, 1, 4, 4)).isfinite().all()


def test_too_few_packets_are_refused():
    with pytest.raises(ValueError, match=f"{LEAST_PACKETS} packets or more"):
        CsiMotion()(torch.ones(1, 1, 52, LEAST_PACKETS - 1))


CONTRACT = {
    "name": "tiny",
    "encoder": {"width": 32, "depth": 1, "heads": 2, "mlp_hidden": 32},
    "input": "image",
    "modality": "image",
    "input_image": {"channels": 1, "size": [52, PACKETS]},
    "signal": {"kind": "csi_motion"},
    "image": {"channels": 2, "size": list(MOTION_SIZE), "per_channel": True, "measures": MOTION_MEASURES},
    "tasks": {
        "activity": {"kind": "classification", "pooling": "rows", "labels": ["empty", "walk"]},
        "motion": {"kind": "classification", "pooling": "measures", "labels": ["quiet", "motion"]},
    },
}


def test_a_bundle_has_them_in_it(tmp_path):
    """A head that sees one number alone answers by it."""
    torch.manual_seed(0)
    network = build_network(draft_contract(CONTRACT, "test"))
    head = network.heads["motion"].linear
    torch.nn.init.zeros_(head.weight)
    head.weight.data[1, NAMES.index("usual8")] = 10.0
    head.bias.data[1] = -5.0
    save_model_folder(tmp_path / "tiny", CONTRACT, network.state_dict())
    bundle = load_bundle(tmp_path / "tiny", dtype="fp32")
    outputs = bundle.infer_image(torch.cat([link(0.03), link(0.03, moves=0.1)]))
    assert outputs["motion"].argmax(1).tolist() == [0, 1]
    assert outputs["embedding_image"].shape == (2, 2 * 2 * 2 * 32), "of tokens: rows, channels, mean and deviation"
    expected = head(network.image.measures.scaled(CsiMotion()(link(0.03, moves=0.1))[1])).softmax(1)
    assert outputs["motion"][1, 1] == pytest.approx(expected[0, 1].item(), abs=1e-4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"image": {**CONTRACT["image"], "measures": 0}}, "without image.measures"),
        ({"image": {**CONTRACT["image"], "per_channel": False}}, "each channel of its own tokens"),
        ({"image": {**CONTRACT["image"], "measures": 3}}, f"image.measures 3, .* {MOTION_MEASURES} numbers"),
    ],
)
def test_contracts_that_do_not_fit_are_refused(tmp_path, change, says):
    contract = {**CONTRACT, **change}
    with pytest.raises(WfmError, match=says):
        network = build_network(draft_contract(contract, "test"))
        save_model_folder(tmp_path / "tiny", contract, network.state_dict())
        load_bundle(tmp_path / "tiny")


def test_the_kind_of_signal_has_no_settings():
    assert isinstance(build_preprocessor({"kind": "csi_motion"}), CsiMotion)
    with pytest.raises(WfmError, match="csi_motion"):
        build_preprocessor({"kind": "csi_motion", "size": [32, 32]})
