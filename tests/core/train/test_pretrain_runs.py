# SPDX-License-Identifier: GPL-3.0-or-later
"""`wfm-pretrain` as the user meets it: what a run leaves, how it is stopped and goes on, what it refuses."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import lightning
import pytest
import safetensors.torch
import torch
import yaml
from pretrain_recipe import tiny_file

from wfm_core.base.errors import WfmError
from wfm_core.bundle.foundation import load_foundation
from wfm_core.cli.pretrain import main
from wfm_core.configs.pretraining import load_pretraining
from wfm_core.train.checkpoints import WholeCheckpoints, read_checkpoint
from wfm_core.train.pretrain.results import load_autoencoder
from wfm_core.train.runner import settled

HERE = Path(__file__).parent
ENOUGH = ["epochs=40", "checkpoint_minutes=0.001", "deterministic=true"]
"""80 steps: the first checkpoint comes long before the end, however fast the machine."""


@pytest.fixture(scope="module", autouse=True)
def torch_as_it_was():
    """A run chooses threads and determinism for its whole process."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pretrain")


@pytest.fixture(scope="module")
def recipe(folder):
    return str(tiny_file(folder))


@pytest.fixture(scope="module")
def run(folder, recipe):
    """A run that was not disturbed."""
    assert main(["--config", recipe, "--out", str(folder / "run"), *ENOUGH]) == 0
    return folder / "run"


def refused(capsys, *arguments):
    """The one sentence with which wfm-pretrain refuses these arguments."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 1
    program = Path(sys.argv[0]).name
    sentences = [line for line in capsys.readouterr().err.splitlines() if line.startswith(f"{program}: ")]
    assert len(sentences) == 1, sentences
    return sentences[0]


def start(how, out, recipe, *overrides):
    launch = [sys.executable, str(HERE / "pretrain_stopped.py"), how, str(out), recipe, *ENOUGH, *overrides]
    return subprocess.run(launch, capture_output=True, text=True, timeout=600)


def test_a_run_leaves_its_folder(run):
    files = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    expected = {
        *("config.yaml", "statistics.yaml", "versions.yaml", "figures.json"),
        *("weights.safetensors", "foundation.yaml", "checkpoints/last.ckpt", "checkpoints/best.ckpt"),
        *("pictures/curves.png", "pictures/reconstructions_image.png", "pictures/reconstructions_iq.png"),
        "logs/from_step_0/metrics.csv",
    }
    assert expected <= files
    assert any(name.startswith("tensorboard/from_step_0/events") for name in files)
    assert not [name for name in files if Path(name).name.startswith(".")], "no temporary files"
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"last.ckpt", "best.ckpt"}
    assert all((run / name).stat().st_size > 5000 for name in files if name.endswith(".png"))
    header = (run / "logs/from_step_0/metrics.csv").read_text().splitlines()[0].split(",")
    assert {"step", "train_loss_image", "train_loss_iq", "val_loss_image", "val_mean_iq"} <= set(header)
    assert any(name.startswith("lr-") for name in header)


def test_the_configuration_that_was_kept_is_the_one_that_ran(run, recipe):
    assert load_pretraining(str(run / "config.yaml")) == settled(load_pretraining(recipe, ENOUGH))
    versions = yaml.safe_load((run / "versions.yaml").read_text())
    assert versions["torch"] == torch.__version__
    assert versions["lightning"] == lightning.__version__


def test_the_foundation_carries_the_weights_and_statistics(run):
    foundation = load_foundation(run)
    statistics = yaml.safe_load((run / "statistics.yaml").read_text())
    signals = {name: settings["signal"] for name, settings in foundation.description["modalities"].items()}
    assert foundation.description["sample_rate"] == statistics.pop("sample_rate") == {"min": 0.25e6, "max": 61.44e6}
    assert signals == {name: settings["signal"] for name, settings in statistics.items()}
    state = torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    for name, weight in foundation.model.state_dict().items():
        assert torch.equal(weight, state[f"autoencoder.model.{name}"].half().float()), name
    iq = torch.randn(2, 2, 128, dtype=torch.complex64)
    assert foundation.model.embed_iq(foundation.preprocess["iq"](iq), "mean").shape == (2, 32)
    image = foundation.preprocess["image"](torch.randn(2, 1, 1024, dtype=torch.complex64))
    assert foundation.model.embed_image(image, "mean").shape == (2, 32)


def test_the_end_prints_each_loss_beside_that_of_the_mean(run, recipe, capsys):
    """A run that is over, resumed, does no step and reports again."""
    capsys.readouterr()
    before = (run / "weights.safetensors").read_bytes()
    assert main(["--resume", "--out", str(run)]) == 0
    captured = capsys.readouterr()
    for modality in ("image", "iq"):
        assert f"{modality}: held-out loss" in captured.out
    assert captured.out.count("predicting the mean") == 3, "image, iq and the spectra of iq"
    assert "weights_only" not in captured.err + captured.out
    assert (run / "weights.safetensors").read_bytes() == before


def test_the_last_checkpoint_gives_the_autoencoder(run):
    autoencoder, settings = load_autoencoder(run, load_pretraining(str(run / "config.yaml")))
    assert autoencoder.modalities == ("image", "iq")
    assert set(settings) == {"sample_rate", "image", "iq"}


def test_a_run_goes_on_in_the_number_format_that_it_began_with(run):
    """Measured again, on a computer that is busy now, the other one may be faster."""
    assert load_pretraining("pretrain_smoke.yaml", []).precision == "auto"
    assert yaml.safe_load((run / "config.yaml").read_text())["precision"] in ("32-true", "bf16-mixed")


def test_killed_and_resumed_it_ends_with_the_same_weights(run, folder, recipe):
    out = folder / "killed"
    killed = start("killed", out, recipe)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    steps = torch.load(out / "checkpoints/last.ckpt", weights_only=True)["global_step"]
    assert 0 < steps < 80
    assert not (out / "weights.safetensors").exists()
    # in a place and from a folder other than before, without naming the configuration
    moved = out.rename(folder / "moved")
    launch = [sys.executable, "-m", "wfm_core.cli.pretrain", "--resume", "--out", "moved"]
    resumed = subprocess.run(launch, cwd=folder, capture_output=True, text=True, timeout=600)
    assert resumed.returncode == 0, resumed.stderr[-2000:]
    one, two = (torch.load(path / "checkpoints/last.ckpt", weights_only=True) for path in (run, moved))
    assert one["global_step"] == two["global_step"] == 80
    for name, weight in one["state_dict"].items():
        assert torch.equal(weight, two["state_dict"][name]), name
    for number, state in one["optimizer_states"][0]["state"].items():
        for name, value in state.items():
            assert torch.equal(value, two["optimizer_states"][0]["state"][number][name]), name
    weights = [safetensors.torch.load_file(path / "weights.safetensors") for path in (run, moved)]
    assert all(torch.equal(weight, weights[1][name]) for name, weight in weights[0].items())
    assert {path.name for path in (moved / "checkpoints").iterdir()} == {"last.ckpt", "best.ckpt"}
    assert (moved / f"logs/from_step_{steps}/metrics.csv").exists()
    assert (moved / "logs/from_step_0").exists(), "the first part's curves are kept"


def test_told_to_terminate_it_does_not_end_as_if_it_were_done(folder, recipe):
    out = folder / "terminated"
    assert start("terminated", out, recipe).returncode == 128 + signal.SIGTERM
    assert (out / "checkpoints/last.ckpt").exists() and not (out / "weights.safetensors").exists()


def test_a_full_disk_is_named_and_the_last_checkpoint_is_whole(folder, recipe):
    out = folder / "full"
    full = start("full", out, recipe)
    assert full.returncode == 1, full.stderr[-2000:]
    sentence = full.stderr.splitlines()[-1]
    # Which of the two is due first, the best one so far or the last, depends on how fast the steps are.
    assert re.search(r"cannot write the checkpoint .*/(last|best)\.ckpt", sentence) and "--resume" in sentence
    assert "Traceback" not in full.stderr
    config = load_pretraining(recipe, ENOUGH)
    assert 0 < read_checkpoint(out / "checkpoints/last.ckpt", config)["global_step"] < 80
    assert sorted(path.name for path in (out / "checkpoints").glob("*last*")) == ["last.ckpt"], "no half file is left"


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path):
    path = tmp_path / "last.ckpt"
    writer = WholeCheckpoints()
    writer.save_checkpoint({"step": 1}, path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        with pytest.raises(WfmError, match="the one before it is whole"):
            writer.save_checkpoint({"step": 2, "weights": torch.zeros(100_000)}, path)
        with pytest.raises(WfmError, match="there is none before it"):
            writer.save_checkpoint({"weights": torch.zeros(100_000)}, tmp_path / "first.ckpt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert torch.load(path) == {"step": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_folder_that_holds_a_run_is_not_overwritten(run, recipe, capsys):
    assert "already holds a run; add --resume" in refused(capsys, "--config", recipe, "--out", run)


def test_there_must_be_a_run_to_resume(recipe, tmp_path, capsys):
    assert "nothing to resume" in refused(capsys, "--resume", "--out", tmp_path / "none")
    assert "last.ckpt does not exist" in refused(capsys, "--config", recipe, "--resume", "--out", tmp_path / "none")


def test_a_run_that_was_stopped_before_its_first_checkpoint_starts_again(folder, recipe, capsys):
    out = folder / "early"
    out.mkdir()
    (out / "config.yaml").write_text(Path(recipe).read_text())
    (out / "statistics.yaml").write_text("image: {signal: {kind: left by other data}}\n")
    assert main(["--config", recipe, "--out", str(out), "epochs=1", "modalities=[iq]"]) == 0
    assert load_foundation(out).modalities == ("iq",)


@pytest.mark.parametrize(
    "override, named",
    [
        ("encoder.depth=3", "its encoder is .*'depth': 2.*wants .*'depth': 3"),
        ("image.size=[48, 48]", "its image is .*32.*48"),
        ("affine=after", "its affine is before, the configuration wants after"),
        ("modalities=[iq]", "its modalities is"),
    ],
)
def test_a_checkpoint_of_another_architecture_is_named_and_the_run_stays(run, capsys, override, named):
    kept = (run / "config.yaml").read_text()
    sentence = refused(capsys, "--resume", "--out", run, override)
    assert re.search(f"is of another architecture: {named}", sentence), sentence
    assert (run / "config.yaml").read_text() == kept


def test_a_file_that_is_no_checkpoint_is_named(folder, recipe, capsys):
    last = folder / "broken" / "checkpoints" / "last.ckpt"
    last.parent.mkdir(parents=True)
    last.write_bytes(b"nothing that torch has written")
    named = refused(capsys, "--config", recipe, "--resume", "--out", folder / "broken")
    assert "last.ckpt cannot be read as a checkpoint" in named
    torch.save({"weights": torch.zeros(3)}, last)
    named = refused(capsys, "--config", recipe, "--resume", "--out", folder / "broken")
    assert "is of another architecture" in named


def test_bad_data_ends_the_command_with_one_sentence(folder, recipe, capsys):
    (folder / "empty").mkdir()
    sources = f"data.sources=[{{kind: recordings, path: {folder / 'empty'}}}]"
    named = refused(capsys, "--config", recipe, "--out", folder / "refused", sources)
    assert f"{folder / 'empty'} holds no recordings" in named


def test_a_batch_that_cannot_be_shared_out_is_named(folder, recipe, capsys):
    named = refused(capsys, "--config", recipe, "--out", folder / "shared", "devices=3")
    assert "batch 8 cannot be shared out among 3 processes" in named


def test_the_contrastive_objective_runs(folder, recipe, capsys):
    out = folder / "contrastive"
    options = ["objective=contrastive", "modalities=[iq]", "weight_decay=0"]
    assert main(["--config", recipe, "--out", str(out), *options]) == 0
    printed = capsys.readouterr().out
    assert "iq: held-out loss" in printed and "guessing 2.7081" in printed
    assert load_foundation(out).modalities == ("iq",)
    assert not list(out.glob("pictures/reconstructions*"))


@pytest.mark.slow
def test_two_processes_under_torchrun_leave_a_foundation(folder, recipe):
    out = folder / "two"
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    launch += ["-m", "wfm_core.cli.pretrain", "--config", recipe, "--out", str(out), "epochs=4"]
    done = subprocess.run(
        launch, capture_output=True, text=True, timeout=600, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("image: held-out loss") == 1, "the first process reports, alone"
    assert load_foundation(out).modalities == ("image", "iq")
    assert yaml.safe_load((out / "foundation.yaml").read_text())["origin"]["steps"] == 8


@pytest.mark.slow
def test_the_smoke_recipe_learns(folder, capsys):
    """`wfm-pretrain --config pretrain_smoke.yaml`: every loss ends below that of predicting the mean."""
    out = folder / "smoke"
    assert main(["--config", "pretrain_smoke.yaml", "--out", str(out)]) == 0
    figures = json.loads((out / "figures.json").read_text())
    for modality in ("image", "iq"):
        assert figures[f"val_loss_{modality}"] < figures[f"val_mean_{modality}"], modality
    assert figures["minutes"] < 2
