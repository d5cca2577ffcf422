# SPDX-License-Identifier: GPL-3.0-or-later
"""Known causes: targets are the truth of the scene, and heads learn them."""

import json
import math

import pytest
import torch
from pretrain_recipe import CPU, fresh_training, measured_mixtures, tiny_config, tiny_file
from torch.nn import functional

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import load_foundation
from wfm_core.cli.pretrain import main
from wfm_core.synth.csi.pool import draw_any
from wfm_core.synth.emitters import EMITTERS
from wfm_core.synth.scenes.band import Band, Emitters, render_band
from wfm_core.synth.scenes.links import FLAWS, device, interference, modulation
from wfm_core.train.objectives.causes import CausesPretraining, constant, error
from wfm_core.train.objectives.known import CAUSES, Cause
from wfm_core.train.objectives.pretraining import PretrainingObjective
from wfm_core.train.pretrain.causes import Known, with_causes
from wfm_core.train.pretrain.mixture import Mixture, open_sources
from wfm_core.train.pretrain.sets import Batches, WindowSets

SETTINGS = {"image": {"signal": {"kind": "iq_rms"}}, "iq": {"signal": {"kind": "iq_rms"}}}
INDEX = torch.arange(8)
NAMES = list(EMITTERS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def training_of(folder, *overrides):
    return fresh_training(tiny_config(folder, "objective=causes", *overrides), SETTINGS, CausesPretraining)


def by_hand() -> Band:
    """Two windows of 64 samples: fm below the middle all the time and lora above it in the second half; nothing."""
    nan = torch.nan
    on = torch.zeros(2, 5, 4, dtype=torch.bool)
    on[0, 0], on[0, 1, 2:] = True, True
    edges = torch.full((2, 2, 5), nan)
    edges[:, 0, :2] = torch.tensor([[-0.2, 0.26], [-0.01, 0.49]])
    snr = torch.tensor([[20.0, 5.0, nan, nan, nan], [nan] * 5])
    emitters = Emitters(edges[0], edges[1], snr, on)
    return Band(torch.zeros(2, 2, 64, dtype=torch.complex64), [("fm", "lora"), ()], torch.tensor([5e6, 5e5]), emitters)


def test_what_is_asked_of_a_band_is_what_was_drawn_by_hand():
    causes = with_causes("iq", torch.zeros(2, 2, 64, dtype=torch.complex64), by_hand()).causes
    assert set(causes) == set(CAUSES["iq"])
    there = torch.zeros(2, len(NAMES))
    there[0, [NAMES.index("fm"), NAMES.index("lora")]] = 1
    assert torch.equal(causes["kinds"], there) and causes["emitters"].tolist() == [2, 0]
    at = causes["kinds_at"]
    assert at.shape == (2, 4, len(NAMES)) and not at[1].any()
    assert at[0, :, NAMES.index("fm")].tolist() == [1, 1, 1, 1]
    assert at[0, :, NAMES.index("lora")].tolist() == [0, 0, 1, 1]
    assert causes["snr"][0].item() == pytest.approx(0.5) and torch.isnan(causes["snr"][1]).all()
    assert torch.isnan(causes["edges"]).all(), "there is no single emitter"
    torch.testing.assert_close(causes["sample_rate"], torch.tensor([[0.0], [-1.0]]))
    assert torch.isnan(causes["flaws"]).all() and causes["modulation"].tolist() == [-1, -1]


def test_an_image_has_kinds_in_patches_of_time_and_frequency():
    causes = with_causes("image", torch.zeros(2, 1, 32, 64), by_hand()).causes
    assert set(causes) == set(CAUSES["image"])
    at = causes["kinds_at"].unflatten(1, (2, 4))
    assert at[0, :, :, NAMES.index("fm")].tolist() == [[0, 1, 0, 0], [0, 1, 0, 0]]
    assert at[0, :, :, NAMES.index("lora")].tolist() == [[0, 0, 0, 0], [0, 0, 0, 1]]
    assert at.sum() == 3 and not at[1].any() and causes["activity"].tolist() == [-1, -1]


def test_the_edges_and_times_of_an_emitter_are_where_the_spectrogram_has_power():
    """Patches of strong narrow scenes, rendered and made a spectrogram, with and without an emitter."""
    band = render_band(40, 8192, 1, seeded(3), kind=["fm", "am", "lora"])
    spectrum = torch.stft(band.iq[:, 0], 64, 64, window=torch.hann_window(64), center=False, return_complex=True)
    power = torch.fft.fftshift(spectrum.abs().square(), 1).transpose(1, 2)[:, :128]  # time, frequency
    patches = functional.avg_pool2d(power[:, None], 16)[:, 0]
    at = with_causes("image", torch.zeros(40, 1, 128, 64), band).causes["kinds_at"].unflatten(1, (8, 4)).amax(3)
    ratios = []
    for window in range(40):
        there = at[window].bool()
        if band.emitters.snr_db[window, 0] > 15 and there.any() and not there.all():
            ratios.append(float(patches[window][there].mean() / patches[window][~there].mean()))
    assert len(ratios) > 10 and sorted(ratios)[len(ratios) // 5] > 5, ratios


def test_links_and_csi_tell_what_they_know_and_nothing_else():
    iq = torch.zeros(3, 1, 64, dtype=torch.complex64)
    for draw, known in (
        (modulation, {"modulation", "symbol_rate", "carrier_offset", "snr", "sample_rate"}),
        (device, {"modulation", "symbol_rate", "carrier_offset", "snr", "sample_rate", "flaws", "transmitter"}),
        (interference, {"interference", "sir", "snr", "sample_rate"}),
    ):
        links = draw(3, 64, 1, seeded(2))
        causes = with_causes("iq", iq, links).causes
        told = {name for name, x in causes.items() if ((x >= 0) if x.dtype == torch.int64 else ~torch.isnan(x)).any()}
        assert told - {"sir"} == known - {"sir"}
        torch.testing.assert_close(causes["snr"][:, 0], (links.causes["snr_db"] - 15) / 10)
        if "flaws" in known:
            flaws = causes["flaws"]
            torch.testing.assert_close(flaws[:, FLAWS.index("iq_phase_deg")], links.causes["flaws"].iq_phase_deg / 3)
    csi = draw_any(16, seeded(4), ["rooms"])
    causes = with_causes("image", torch.zeros(16, 1, 32, 32), csi).causes
    assert torch.equal(causes["activity"], csi.causes["activity"])
    assert torch.equal(causes["people"], csi.causes["people"])
    torch.testing.assert_close(causes["position"][:, 0], (csi.causes["position"][:, 0] - 3.3) / 2, equal_nan=True)
    assert torch.equal(torch.isnan(causes["position"][:, 0]), causes["people"] == 0), "nobody is nowhere"
    assert torch.isnan(causes["kinds_at"]).all() and causes["kinds_at"].shape == (16, 4, len(NAMES))


@pytest.mark.parametrize("source", ["synthetic", "links", "csi"])
def test_numbers_have_about_unit_spread(tmp_path, source):
    modality = "image" if source == "csi" else "iq"
    config = tiny_config(tmp_path, f"data.sources=[{{kind: {source}}}]", f"modalities=[{modality}]", "objective=causes")
    drawn = open_sources(config)[0].source
    parts = []
    for seed in range(6):
        if source == "csi":
            drawn.draw_image(16, seeded(seed))
        else:
            drawn.draw_iq(16, 1, 256, seeded(seed))
        x = torch.zeros(16, 1, 32, 32) if source == "csi" else torch.zeros(16, 1, 256, dtype=torch.complex64)
        parts.append(with_causes(modality, x, drawn.scene).causes)
    for name, cause in CAUSES[modality].items():
        values = torch.cat([part[name] for part in parts])
        if cause.kind != "number" or torch.isnan(values).all():
            continue
        mean = values.nanmean(0)
        deviation = (values - mean).square().nanmean(0).sqrt()
        assert (mean.abs() < 2).all() and ((deviation > 0.2) & (deviation < 2.5)).all(), (name, mean, deviation)


def test_an_error_is_its_definition_over_what_is_known():
    said, target = torch.randn(4, 3), torch.tensor([0, -1, 2, 1])
    loss, known = error(Cause("class", 3), said, target)
    expected = functional.cross_entropy(said[[0, 2, 3]], target[[0, 2, 3]]) / math.log(3)
    torch.testing.assert_close(loss, expected)
    assert known == 3
    numbers = torch.randn(4, 2)
    numbers[1], numbers[2, 0] = torch.nan, torch.nan
    said = torch.randn(4, 2, requires_grad=True)
    loss, known = error(Cause("number", 2), said, numbers)
    there = ~torch.isnan(numbers)
    torch.testing.assert_close(loss, functional.smooth_l1_loss(said[there], numbers[there]))
    loss.backward()
    assert torch.isfinite(said.grad).all() and not said.grad[~there].any() and known == 5
    present = torch.tensor([[[1.0, 0.0], [torch.nan, 1.0]]])
    loss, known = error(Cause("presence", 2, at_places=True), torch.zeros(1, 2, 2), present)
    assert loss.item() == pytest.approx(1.0) and known == 3, "even chances"
    nothing, known = error(Cause("class", 3), torch.randn(2, 3), torch.tensor([-1, -1]))
    assert nothing == 0 and known == 0


@pytest.mark.parametrize(
    ("cause", "target"),
    [
        (Cause("class", 3), torch.tensor([0, 0, 2, -1])),
        (Cause("number", 1), torch.tensor([[0.5], [0.7], [torch.nan], [0.6]])),
        (Cause("presence", 2), torch.tensor([[0.0, 1], [0, 0], [1, 0], [torch.nan, torch.nan]])),
    ],
)
def test_no_constant_answer_is_better_than_the_guess(cause, target):
    best = constant(cause, target)
    loss, _ = error(cause, best.expand(4, -1), target)
    for seed in range(20):
        other = best + 0.3 * torch.randn(best.shape, generator=seeded(seed))
        assert error(cause, other.expand(4, -1), target)[0] >= loss - 1e-5


def bursts(seed: int) -> tuple[dict, torch.Tensor, dict]:
    """Windows of two antennas whose level is their `carrier_offset`, and which are silent, not "lte", in the first half
    of some; all else is unknown."""
    generator = seeded(seed)
    level, off = torch.rand(8, 1, generator=generator) * 4 - 2, torch.rand(8, generator=generator) < 0.5
    x = (level + 3).expand(-1, 128).to(torch.complex64).contiguous()
    x[off, :64] *= 0.1
    x = x.unsqueeze(1).expand(-1, 2, -1)
    known = with_causes("iq", x, None).causes
    known["carrier_offset"] = level
    known["kinds_at"][..., 0] = 1
    known["kinds_at"][off, :4, 0] = 0
    return {"iq": x}, INDEX, {"iq": known}


def test_it_learns_of_windows_and_of_places(tmp_path):
    training = training_of(tmp_path, "modalities=[iq]")
    optimizer = torch.optim.Adam(training.parameters(), 3e-3)
    for step in range(50):
        windows, index, causes = bursts(step)
        optimizer.zero_grad()
        training.total(training.losses(windows, index, 1, causes)).backward()
        optimizer.step()
    with torch.no_grad():
        windows, index, causes = bursts(1000)
        figures = training.held_out_figures(windows, index, causes)
    names = ("carrier_offset", "kinds_at")
    assert set(figures) == {f"val_{kind}_iq_{name}" for kind in ("loss", "mean") for name in names}
    for name in names:
        assert figures[f"val_loss_iq_{name}"] < 0.5 * figures[f"val_mean_iq_{name}"], name
    assert {name for name, known in training.shown.items() if known} == {f"iq_{name}" for name in names}


def test_losses_are_weighted_by_name(tmp_path):
    weights = "causes.weights={snr: 3.0, kinds_at: 0.5, flaws: 0}"
    training = training_of(tmp_path, weights, "modalities=[iq]")
    assert "flaws" not in training.heads["iq"]
    losses = {f"iq_{name}": torch.tensor(float(number)) for number, name in enumerate(training.heads["iq"])}
    total = {name: {"iq_snr": 3.0, "iq_kinds_at": 0.5}.get(name, 1.0) for name in losses}
    expected = sum(total[name] * loss for name, loss in losses.items()) / sum(total.values())
    torch.testing.assert_close(training.by_modality(losses), {"iq": expected})
    fixed = [
        tiny_config(tmp_path, "objective=causes", w).fixed_settings() for w in (weights, "causes.weights={snr: 1}")
    ]
    assert [one["causes_left_out"] for one in fixed] == [["flaws"], []]


def test_a_batch_s_causes_stay_with_its_windows_through_the_passes(tmp_path):
    sources = "data.sources=[{kind: synthetic}, {kind: links}]"
    config = tiny_config(tmp_path, "objective={masked: 1, causes: 1}", sources, "data.windows=32")
    sets = {name: WindowSets(config, mixture) for name, mixture in measured_mixtures(config).items()}
    seen: dict[str, torch.Tensor] = {}
    for windows, _, causes in Batches(sets, config):
        for modality, x in windows.items():
            assert set(causes[modality]) == set(CAUSES[modality])
            for window, rate in zip(x, causes[modality]["sample_rate"], strict=True):
                key = f"{modality} {window.abs().sum().item()}"
                assert torch.equal(seen.setdefault(key, rate), rate)
    steps = config.steps_per_epoch * config.batch * 2
    assert len(seen) == steps * config.epochs // config.data.passes


def test_objectives_without_causes_are_fed_as_before(tmp_path):
    mixture = Mixture(tiny_config(tmp_path), "iq", open_sources(tiny_config(tmp_path)), CPU)
    assert isinstance(WindowSets(tiny_config(tmp_path), _fixed(mixture)).batch(0), torch.Tensor)
    config = tiny_config(tmp_path, "objective=causes")
    known = WindowSets(config, _fixed(mixture)).batch(0)
    assert isinstance(known, Known)
    assert torch.equal(known.windows, WindowSets(tiny_config(tmp_path), _fixed(mixture)).batch(0))


def _fixed(mixture):
    mixture.use({"signal": {"kind": "iq_rms"}})
    return mixture


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["causes.weights={snrr: 1}"], "causes.weights has 'snrr'; expected some of .*snr, speed"),
        (["modalities=[iq]", "causes.weights={activity: 1}"], "causes.weights has 'activity'"),
    ],
)
def test_unknown_causes_are_named(tmp_path, overrides, named):
    with pytest.raises(WfmError, match=named):
        training_of(tmp_path, *overrides)


def test_sources_that_know_nothing_and_unknown_links_are_named(tmp_path):
    config = tiny_config(
        tmp_path, "objective=causes", "modalities=[iq]", "data.sources=[{kind: links, scenes: [radar]}]"
    )
    with pytest.raises(WfmError, match="links of kind 'radar'; expected some of modulation, device, interference"):
        open_sources(config)
    mixture = Mixture(config, "iq", open_sources(tiny_config(tmp_path)), CPU)
    for share in mixture.shares:
        share.source = Recorded()
    with pytest.raises(WfmError, match="objective causes with iq windows of synthetic alone.* add one"):
        mixture.check()


class Recorded:
    """Stands for a source of recordings."""

    antennas, ready_images = 16, False

    def check(self, antennas, samples):
        pass


def test_a_run_of_masked_and_causes_is_the_same_when_it_is_resumed(tmp_path, monkeypatch):
    threads = torch.get_num_threads()
    text = "data: {sources: [{kind: synthetic}, {kind: links}]}\nobjective: {masked: 1.0, causes: 0.5}"
    recipe = str(tiny_file(tmp_path, text))
    exact = ["deterministic=true", "precision=32-true", "checkpoint_minutes=0.00001"]
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert main(["--config", recipe, "--out", str(whole), *exact]) == 0
    step = PretrainingObjective.training_step

    def stopping(self, batch, number):
        if self.trainer.global_step == 7:
            raise WfmError("stopped")
        return step(self, batch, number)

    with monkeypatch.context() as patch:
        patch.setattr(PretrainingObjective, "training_step", stopping)
        assert main(["--config", recipe, "--out", str(stopped), *exact]) == 1
    assert main(["--out", str(stopped), "--resume"]) == 0
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    one, two = (torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"] for run in (whole, stopped))
    assert any(name.startswith("parts.causes.heads.image.activity") for name in one)
    assert all(torch.equal(weight, two[name]) for name, weight in one.items())
    figures = json.loads((whole / "figures.json").read_text())
    assert {"val_loss_masked_iq", "val_loss_causes_iq_kinds_at", "val_mean_causes_image_kinds"} <= set(figures)
    assert load_foundation(whole).modalities == ("image", "iq")
    header = next((whole / "logs").glob("*/metrics.csv")).read_text().splitlines()[0].split(",")
    assert {"train_loss_causes_iq_snr", "train_loss_causes_image_kinds_at", "train_loss_masked_image"} <= set(header)
    assert (whole / "pictures/curves.png").stat().st_size > 20000
