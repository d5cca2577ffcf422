# SPDX-License-Identifier: GPL-3.0-or-later
"""CSI of any shape becomes one kind of image, whatever the receiver's gain did."""

import itertools

import numpy as np
import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.bundle.screening.operators import screen_graphs
from wfm_core.data.readers.own.axes import find_layout
from wfm_core.signal import build_preprocessor
from wfm_core.signal.csi import CsiLevels

SETTINGS = {
    "kind": "csi_image", "size": [8, 16], "minimum": -40.0, "maximum": 10.0, "mean": [0.5, 0.5, 0.5],
    "std": [0.2, 0.2, 0.2],
}  # fmt: skip


def amplitudes(seed=0):
    return torch.rand(4, 3, 10, 20, generator=torch.Generator().manual_seed(seed)) + 0.1


@pytest.mark.parametrize("gain", ["window", "packet", "none"])
@pytest.mark.parametrize("scale", ["linear", "db"])
def test_scripted_equals_eager_and_a_bundle_may_hold_it(scale, gain):
    module = build_preprocessor(SETTINGS | {"scale": scale, "gain": gain})
    scripted = torch.jit.script(module)
    screen_graphs(scripted, "test")
    assert torch.equal(scripted(amplitudes()), module(amplitudes()))
    assert module(amplitudes()).shape == (4, 3, 8, 16)


def test_the_gain_of_a_window_and_of_a_packet_is_taken_out():
    seen = amplitudes()
    whole = seen * torch.tensor([0.1, 1.0, 7.0, 100.0]).view(4, 1, 1, 1)
    packets = seen * (torch.arange(20) + 1.0)
    for scale in ("linear", "db"):
        assert torch.allclose(CsiLevels(scale, "window")(whole), CsiLevels(scale, "window")(seen), atol=1e-4)
        assert torch.allclose(CsiLevels(scale, "packet")(packets), CsiLevels(scale, "packet")(seen), atol=1e-4)
        assert not torch.allclose(CsiLevels(scale, "window")(packets), CsiLevels(scale, "window")(seen), atol=0.1)


def test_levels_are_decibels_over_the_reference_and_zeros_have_a_floor():
    seen = torch.tensor([2.0, 20.0, 0.2, 0.0]).view(1, 1, 2, 2)
    levels = CsiLevels("db", "none", reference=2.0)(seen)
    assert levels.flatten().tolist() == pytest.approx([0, 20, -20, -40], abs=1e-4)
    flat = CsiLevels("linear", "window")(torch.full((1, 2, 3, 4), 5.0))
    assert torch.allclose(flat, torch.ones(1, 2, 3, 4)), "an RMS of 1"
    assert not torch.isnan(CsiLevels("db", "window")(torch.zeros(1, 2, 3, 4))).any()


def test_each_subcarrier_is_taken_on_its_own_where_statistics_are_given():
    level = CsiLevels()(amplitudes())
    std, mean = torch.std_mean(level, (0, 3))
    plain = {"size": [10, 20], "minimum": 0.0, "maximum": 1.0, "mean": [0.0] * 3, "std": [1.0] * 3}
    statistics = {"subcarrier_mean": mean.tolist(), "subcarrier_std": std.tolist()}
    module = build_preprocessor(SETTINGS | plain | statistics)
    assert torch.allclose(module(amplitudes()), (level - mean[..., None]) / std[..., None], atol=1e-5)
    scripted = torch.jit.script(module)
    screen_graphs(scripted, "test")
    assert torch.equal(scripted(amplitudes()), module(amplitudes()))
    with pytest.raises(ValueError, match="3 antennas, 10 subcarriers.*expected"):
        module(amplitudes()[:, :, :9])
    for wrong in ({"subcarrier_std": [[1.0]]}, {"subcarrier_std": (0 * std).tolist()}, {"subcarrier_mean": None}):
        with pytest.raises(WfmError, match="CSI subcarrier.*measure them again"):
            build_preprocessor(SETTINGS | statistics | wrong)


def test_motion_is_what_changes_within_a_window():
    plain = {"size": [10, 20], "minimum": 0.0, "maximum": 1.0, "mean": [0.0] * 6, "std": [1.0] * 6}
    module = build_preprocessor(SETTINGS | plain | {"motion": True})
    levels = CsiLevels()(amplitudes())
    seen = module(amplitudes())
    assert torch.allclose(seen[:, :3], levels, atol=1e-5), "first what there is without it"
    assert torch.allclose(seen[:, 3:], levels - levels.mean(3, keepdim=True), atol=1e-5)
    still = module(torch.ones(1, 3, 10, 20))
    assert torch.allclose(still[:, 3:], torch.zeros(1, 3, 10, 20), atol=1e-6)
    scripted = torch.jit.script(module)
    screen_graphs(scripted, "test")
    assert torch.equal(scripted(amplitudes()), seen)
    with pytest.raises(ValueError, match="3 channels, height, width.* is expected"):
        build_preprocessor(SETTINGS | {"motion": True})(amplitudes())


@pytest.mark.parametrize("wrong", [{"scale": "dB"}, {"gain": "agc"}, {"reference": 0.0}])
def test_other_settings_are_named(wrong):
    with pytest.raises(WfmError, match=f"CSI.*{list(wrong.values())[0]}.*fix the signal settings"):
        build_preprocessor(SETTINGS | wrong)


def csi():
    """complex64 [windows 2, antennas 3, subcarriers 4, packets 5]"""
    parts = np.random.default_rng(1).normal(size=(2, 2, 3, 4, 5)).astype(np.float32)
    return parts[0] + 1j * parts[1]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_any_order_of_axes_gives_the_same_image(order):
    names = [("antennas", "subcarriers", "packets")[axis] for axis in order]
    stored = csi().transpose(0, *(1 + axis for axis in order))
    layout = find_layout("csi", stored.shape, True, names, "x")
    assert np.allclose(layout(stored), np.abs(csi()), atol=1e-6)
    pairs = np.stack([stored.real, stored.imag], axis=2)
    layout = find_layout("csi", pairs.shape, False, [names[0], "reim", *names[1:]], "x")
    assert np.allclose(layout(pairs), np.abs(csi()), atol=1e-6)
    strength = np.abs(stored)
    assert np.array_equal(find_layout("csi", strength.shape, False, names, "x")(strength), np.abs(csi()))


def test_the_usual_order_needs_no_names():
    stored = csi().transpose(0, 3, 2, 1)  # packets, subcarriers, antennas
    pairs = (np.stack([stored.real, stored.imag], axis=-1) * 20).astype(np.int8)
    layout = find_layout("csi", pairs.shape, False, None, "x")
    assert layout.axes == ("packets", "subcarriers", "antennas", "reim")
    expected = np.sqrt((pairs.astype(float) ** 2).sum(-1)).transpose(0, 3, 2, 1)
    assert np.allclose(layout(pairs), expected)
    one = stored[..., 0]
    assert np.allclose(find_layout("csi", one.shape, True, None, "x")(one), np.abs(csi())[:, :1])


def test_receive_and_transmit_antennas_are_merged_in_order():
    stored = np.random.default_rng(2).random((2, 5, 4, 3, 2)).astype(np.float32)
    merged = find_layout("csi", stored.shape, False, ["packets", "subcarriers", "antennas", "antennas"], "x")(stored)
    assert merged.shape == (2, 6, 4, 5)
    assert np.array_equal(merged[:, 2 * 2 + 1], stored[..., 2, 1].transpose(0, 2, 1))


@pytest.mark.parametrize("axes", [None, ["reim", "antennas", "samples"]])
def test_iq_keeps_both_parts(axes):
    iq = csi()[:, :, 0]
    pairs = np.stack([iq.real, iq.imag], axis=1)
    assert np.array_equal(find_layout("sample", pairs.shape, False, axes, "x")(pairs), pairs)
    assert np.array_equal(find_layout("sample", iq.shape, True, None, "x")(iq), pairs)
    last = pairs.transpose(0, 2, 3, 1)
    assert np.array_equal(find_layout("sample", last.shape, False, ["antennas", "samples", "reim"], "x")(last), pairs)


@pytest.mark.parametrize(
    ("kind", "shape", "axes", "reason"),
    [
        ("csi", (9, 50, 30, 3, 4), "packets,subcarriers,antennas,reim", "axis 4 of x has 4 values and would be reim"),
        ("csi", (9, 3, 30, 256), None, "x has 256 antennas .*seem to be swapped.*--axes"),
        ("csi", (9, 50, 30), "packets,antennas", "subcarriers is there 0 times; once"),
        ("csi", (9, 50, 30, 3), "packets,subcarriers,packets", "packets is there 2 times"),
        ("csi", (9, 50, 30, 3), "packets,subcarriers,chains", "'chains' is none of csi"),
        ("csi", (9, 50, 30, 3), "packets,subcarriers", "3 axes after the windows are expected"),
        ("csi", (9,), None, r"shape \[9\]: windows first"),
        ("sample", (9, 4, 512, 2), None, "I and Q seem to be the last axis.*--axes antennas,samples,reim"),
        ("sample", (9, 4, 512), "antennas,samples", "real values, where I and Q are expected"),
        ("image", (9, 224, 224, 3), None, "x has 224 channels.*swapped"),
        ("image", (9, 2, 8, 8), "reim,height,width", "no real and imaginary part"),
        ("picture", (9, 8, 8), None, "kind 'picture' is not known; expected one of csi"),
    ],
)
def test_axes_that_do_not_fit_are_named(kind, shape, axes, reason):
    with pytest.raises(WfmError, match=reason) as caught:
        find_layout(kind, shape, False, axes and axes.split(","), "x")
    assert "\n" not in str(caught.value)
