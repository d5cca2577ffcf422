# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles of several tasks: each run's own answers, and what is alike computed once."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from bundle_files import windows
from multitask_runs import CSI, DEPTH, IMAGE, tuned

import wfm_core
from wfm_core.base.errors import WfmError
from wfm_core.bundle import export_bundle, export_tasks, parse_contract, read_model_folder, save_model_folder
from wfm_core.bundle.assemble import assemble
from wfm_core.bundle.combine import combine
from wfm_core.bundle.precision.dtype import has_bf16
from wfm_core.bundle.precision.quantise import has_int8
from wfm_core.cli.export import main
from wfm_core.model.encoder import Block

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


def load(path: Path, dtype: str = "fp32"):
    return wfm_core.load_bundle(path, device="cpu", dtype=dtype)


def executions(runs: dict[str, Path], folder: Path) -> int:
    """How many blocks are computed for one batch of the bundle of `runs`."""
    save_model_folder(folder, *combine(runs, "all"))
    live = assemble(*read_model_folder(folder), "test")
    count = []
    for module in live.modules():
        if isinstance(module, Block):
            module.register_forward_hook(lambda *_: count.append(1))
    live(torch.from_numpy(windows()))
    return len(count)


@pytest.mark.parametrize(
    ("first", "second", "blocks", "stems"),
    [
        (("lp", True), ("lp", True), DEPTH, 1),
        (("ft2", True), ("ft2", True), DEPTH - 2 + 2 * 2, 1),
        (("ft2", True), ("lp", True), DEPTH + 2, 1),
        (("lora", True), ("lp", True), 2 * DEPTH, 1),
        # as the paper tunes: each has its own input projection, and nothing behind it is alike
        (("lp", False), ("lp", False), 2 * DEPTH, 2),
    ],
)
def test_what_is_frozen_alike_is_computed_once(tmp_path, first, second, blocks, stems):
    runs = {"activity": tuned(tmp_path / "a", "activity", *first), "other": tuned(tmp_path / "b", "other", *second)}
    assert executions(runs, tmp_path / "all") == blocks
    contract, weights = read_model_folder(tmp_path / "all")
    assert len(contract.stems) == stems
    assert len({name.split(".attn")[0] for name in weights if ".attn." in name}) == blocks  # nor stored twice


def test_a_tree_of_three(tmp_path):
    runs = {
        "a": tuned(tmp_path / "a", "a", "ft2"),
        "b": tuned(tmp_path / "b", "b", "lp"),
        "c": tuned(tmp_path / "c", "c", "lp"),
    }
    assert executions(runs, tmp_path / "all") == DEPTH + 2
    segments = read_model_folder(tmp_path / "all")[0].segments
    assert sorted(segment.blocks for segment in segments.values()) == [2, 2, 6]


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> tuple[dict[str, Path], Path]:
    """Runs of both modalities from one IQ window, and the bundle of them all."""
    folder = tmp_path_factory.mktemp("runs")
    runs = {
        "interference": tuned(folder / "a", "interference", "lp"),
        "fingerprint": tuned(folder / "b", "fingerprint", "ft2", labels=("x", "y", "z")),
        "classification": tuned(folder / "c", "classification", "lora", False, **IMAGE),
        "activity": tuned(folder / "d", "custom", "lp", False, **IMAGE),
    }
    return runs, export_tasks(runs, folder / "all.wfm.pt", "all")


@pytest.mark.parametrize("dtype", ["fp32", "bf16", "int8"])
def test_answers_are_those_of_the_runs(everything, dtype):
    if not {"fp32": lambda _: True, "bf16": has_bf16, "int8": has_int8}[dtype](torch.device("cpu")):
        pytest.skip(f"this CPU has no {dtype} products")
    runs, path = everything
    together = load(path, dtype).infer(windows())
    for name, run in runs.items():
        alone = load(run).infer(windows())
        old = "custom" if name == "activity" else name
        np.testing.assert_allclose(together[name], alone[old], atol=1e-5 if dtype == "fp32" else 2e-2)
    alone = load(runs["interference"], dtype).infer(windows())
    np.testing.assert_allclose(together["embedding_iq"], alone["embedding_iq"], atol=1e-4 if dtype == "fp32" else 0.1)
    assert {name for name in together if name.startswith("embedding")} == {"embedding_iq", "embedding_image"}


def test_for_users_it_is_a_bundle_like_any_other(everything):
    bundle = load(everything[1])
    assert list(bundle.contract.tasks) == ["interference", "fingerprint", "classification", "activity"]
    assert (bundle.contract.input, bundle.contract.antennas, bundle.contract.samples) == ("iq", 3, 256)
    bundle.warm(2, 2)
    decided = bundle.decide(bundle.infer(windows()), 0)
    assert set(decided["fingerprint"]["probabilities"]) == {"x", "y", "z"}
    assert bundle.contract.origin["tasks"]["activity"]["regime"] == "lp"
    graph = torch.jit.load(str(everything[1])).forward.inlined_graph
    # two IQ tasks, one of them with two blocks of its own, and two image tasks that share nothing
    assert len(graph.findAllNodes("aten::gelu", recurse=True)) == DEPTH + 2 + 2 * DEPTH
    # but one preprocessing of either modality
    assert len(graph.findAllNodes("aten::fft_fft", recurse=True)) == 1


def test_images(tmp_path):
    runs = {name: tuned(tmp_path / name, name, "lp", **CSI) for name in ("activity", "room")}
    image = np.random.default_rng(0).random((2, 2, 32, 32), np.float32)
    together = load(export_tasks(runs, tmp_path, "csi")).infer_image(image)
    for name, run in runs.items():
        np.testing.assert_allclose(together[name], load(run).infer_image(image)[name], atol=1e-5)


def test_the_command(tmp_path, monkeypatch, capsys):
    tuned(tmp_path / "a", "interference", "lp")
    tuned(tmp_path / "b", "fingerprint", "lp")

    def export(*arguments) -> int:
        monkeypatch.setattr(sys, "argv", ["wfm-export", "-o", str(tmp_path / "all.wfm.pt"), "--tasks", *arguments])
        return main()

    good = [f"interference={tmp_path / 'a'}", f"modulation={tmp_path / 'b'}"]
    assert export(*good) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "all.wfm.pt")
    contract = load(tmp_path / "all.wfm.pt").contract
    assert (contract.name, list(contract.tasks)) == ("all", ["interference", "modulation"])
    tuned(tmp_path / "c", "activity", "lp", **CSI)
    tuned(tmp_path / "d", "slow", "lp", sample_rate={"min": 1.0, "max": 2.0})
    for arguments, reason in [
        (["interference"], "expected NAME=RUN"),
        ([good[0], good[0]], "names 'interference' twice"),
        ([good[0], f"b={tmp_path}"], "has no contract.yaml"),
        ([good[0], f"activity={tmp_path / 'c'}"], "takes images of 2 channels, 32x32, "),
        ([good[0], f"slow={tmp_path / 'd'}"], "no sample rate fits all"),
        ([good[0], f"two-words={tmp_path / 'b'}"], "task name 'two-words'"),
    ]:
        assert export(*arguments) == 1
        error = capsys.readouterr().err
        assert reason in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c["segments"]["blocks0"].update({"from": "nowhere"}), "expected one of stem0"),
        (lambda c: c["segments"]["blocks0"].update({"blocks": 3}), "comes after 3 blocks, the encoder .* 8"),
        (lambda c: c["tasks"]["a"].pop("from"), "no tasks.a.from"),
        (lambda c: c["window"].update({"samples": 128}), "256 samples, the bundle .* of 128"),
        (lambda c: c["stems"].update({"stem1": c["stems"]["stem0"]}), "stem 'stem1': no tasks"),
        (lambda c: c["stems"]["stem0"].pop("modality"), "stem 'stem0': the contract has no modality"),
    ],
)
def test_contracts_that_make_no_tree(tmp_path, change, reason):
    contract, _ = combine({"a": tuned(tmp_path / "a", "a", "lp")}, "all")
    contract = yaml.safe_load(yaml.safe_dump({"format": 1, **contract, "weights_sha256": "0"}))
    assert parse_contract(contract, "test").tasks["a"].source == "blocks0"
    change(contract)
    with pytest.raises(WfmError, match=reason):
        parse_contract(contract, "test")


def test_weights_of_another_tree_are_refused(tmp_path):
    contract, weights = combine({"a": tuned(tmp_path / "a", "a", "lp")}, "all")
    save_model_folder(tmp_path / "all", contract, {name: weights[name] for name in weights if "blocks.7" not in name})
    with pytest.raises(WfmError, match="do not fit the contract: .*blocks.7"):
        export_bundle(tmp_path / "all", tmp_path)
    save_model_folder(tmp_path / "all", contract, weights)
    with pytest.raises(WfmError, match="holds several models already"):
        combine({"b": tmp_path / "all"}, "more")
