# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract as it is read, checked and written: every field refused by its name, in a sentence that is not long."""

import pytest
import yaml
from bundle_files import contract_of, make_folder
from finetune_sets import PILOTS
from image_bundles import ACTIVITY, image_contract

from wfm_core.base.errors import WfmError
from wfm_core.bundle import (
    build_network,
    draft_contract,
    export_bundle,
    export_model,
    load_bundle,
    parse_contract,
    read_model_folder,
)
from wfm_core.bundle.foundation import build_model

IMAGE = {"modality": "image", "image": {"channels": 2, "size": [32, 48]}}
ESTIMATE = {"kind": "channel_estimate", "pooling": "tokens", "grid": [16, 14], "planes": 2}
SEGMENTATION = {"kind": "segmentation", "pooling": "tokens", "grid": [16, 16], "labels": ["noise", "nr"]}
PILOT_IMAGES = {"signal": PILOTS, "shape": (2, 4, 3), "image": {"channels": 2, "size": [16, 16]}}
HUGE = 0x10**6000  # of more digits than Python writes; YAML has it as 0x1000...


def changed(path: str, value) -> dict:
    """The contract of the tests with the dotted `path` set to `value`; None: taken out."""
    contract = yaml.safe_load(yaml.safe_dump(contract_of(**IMAGE)))
    *tables, key = path.split(".")
    table = contract
    for name in tables:
        table = table[name]
    table[key] = value
    if value is None:
        del table[key]
    return contract


STRANGE = [None, True, 0, -1, 1.5, [], {}, {5: 1}, HUGE, float("nan")]


@pytest.mark.parametrize("value", STRANGE, ids=[f"value{number}" for number in range(len(STRANGE))])
@pytest.mark.parametrize(
    "path",
    [
        *("name", "modality", "weights_sha256", "window.antennas", "window.samples", "sample_rate.min"),
        *("encoder.width", "encoder.depth", "encoder.heads", "encoder.mlp_hidden", "image.channels", "image.size"),
        *("tasks.interference.labels", "tasks.interference.kind", "tasks.position.low", "tasks.position.high"),
    ],
)
def test_a_field_that_does_not_fit_is_named(path, value):
    if path == "sample_rate.min" and value in (True, 1.5):
        value = "one"
    with pytest.raises(WfmError) as caught:
        parse_contract(changed(path, value), "x.pt")
    said = str(caught.value)
    assert said.startswith("x.pt: ") and len(said) < 500 and said.isprintable()
    assert path.partition(".")[0] in said and path.rpartition(".")[2] in said


def test_a_long_value_is_shortened():
    with pytest.raises(WfmError, match="^x: modality is 'yyy") as caught:
        parse_contract(changed("modality", "y" * 5000), "x")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("window.antennas", 65, "window.antennas is 65; expected less than or equal to 64"),
        ("window.antennas", True, "window.antennas is True; expected a whole number"),
        ("sample_rate.max", float("inf"), "sample_rate.max is inf; expected a finite number"),
        ("sample_rate.max", True, "sample_rate.max is True; expected a number"),
        ("encoder.heads", 3, "encoder: .*the width a multiple of 4 times the heads"),
        ("image.size", [32, 50], r"image.size is \[32, 50\]; expected multiples of 16"),
        ("image.per_channel", 1, "image.per_channel is 1; expected a valid boolean"),
        ("image.size", [32], r"image.size is \[32\]; expected at least 2 entries"),
        ("tasks.interference.temperature", 0, "temperature is 0; expected a positive number"),
        ("tasks.interference.labels", ["a", "a"], "expected names that are all different"),
        ("tasks.interference.bias", [1], r"bias \(1.0,\); expected .* a number for each"),
        ("tasks.position.low", None, "tasks.position: .*low and high"),
        ("tasks", {"embedding_iq": {}}, "task name 'embedding_iq'; expected a name such as"),
        ("tasks", {5: {}}, "tasks.5 is 5; expected a text"),
        ("format", "1", "contract format '1', but this version reads format 1"),
    ],
)
def test_what_is_said(path, value, said):
    with pytest.raises(WfmError, match=said):
        parse_contract(changed(path, value), "x")


def test_an_image_bundle_has_no_iq_window():
    contract = parse_contract(changed("input", "image"), "x")
    assert (contract.antennas, contract.samples, contract.sample_rate_max) == (0, 0, 0.0)
    assert contract.input_shape == (2, 32, 48)


def test_fields_of_another_program_are_kept_and_have_no_say(tmp_path):
    contract = {**contract_of(), "of_another_program": {"a": [1]}, "stations": 5}
    assert parse_contract(contract, "x").raw == contract
    network = build_network(parse_contract(contract, "x"))
    loaded = load_bundle(export_model(contract, network.state_dict(), tmp_path / "x.wfm.pt"), "cpu", "fp32").contract
    assert loaded.raw["of_another_program"] == {"a": [1]} and loaded.raw["stations"] == 5


def test_numbers_as_yaml_has_them():
    contract = parse_contract(contract_of(), "x")
    assert (contract.sample_rate_min, contract.sample_rate_max) == (1.92e6, 30.72e6), "1.92e6 is text to YAML"
    tasks = {"t": {"kind": "classification", "labels": [False, 1, "c"]}}
    task = parse_contract(contract_of(tasks=tasks), "x").tasks["t"]
    assert task.labels == ("False", "1", "c") and task.bias == (0.0, 0.0, 0.0), "no is False to YAML"


def test_the_writer_fills_in_format_and_hash(tmp_path):
    draft = {key: value for key, value in contract_of().items() if key not in ("format", "weights_sha256")}
    weights = build_network(draft_contract(draft, "x")).state_dict()
    path = export_model(draft, weights, tmp_path)
    assert path.name == "small.wfm.pt"
    written = load_bundle(path, "cpu", "fp32").contract.raw
    assert list(written) == ["format", *draft, "weights_sha256", "content_sha256"]
    with pytest.raises(WfmError, match="no weights_sha256"):
        parse_contract({"format": 1, **draft}, "x")
    with pytest.raises(WfmError, match="format None"):
        parse_contract(draft, "x")


def test_a_bundle_is_the_same_file_with_a_model_folder_between_and_without(tmp_path):
    folder = make_folder(tmp_path / "small")
    contract, weights = read_model_folder(folder)
    one = export_bundle(folder, tmp_path / "one.wfm.pt").read_bytes()
    assert one == export_model(contract.raw, weights, tmp_path / "two.wfm.pt").read_bytes()


@pytest.mark.parametrize(
    ("modalities", "said"),
    [
        ({"iq": {}}, "foundation.yaml has no antennas"),
        ({"iq": {"antennas": 65}}, "modalities.iq.antennas is 65"),
        ({"image": {"channels": 1}}, "foundation.yaml has no image.size"),
        ({"image": {"channels": 1, "size": [16, 40]}}, "multiples of 16"),
        ({"smell": {}}, "modalities.smell is 'smell'; expected one of image, iq"),
    ],
)
def test_foundations_are_checked_by_the_same_model(modalities, said):
    encoder = {"width": 32, "depth": 1, "heads": 2, "mlp_hidden": 64}
    with pytest.raises(WfmError, match=said):
        build_model({"name": "tiny", "encoder": encoder, "affine": "before", "modalities": modalities})


def dense(task, **changes):
    return parse_contract(image_contract({"t": task}, **changes), "test")


def test_shapes_of_dense_answers():
    assert dense(ESTIMATE, **PILOT_IMAGES).tasks["t"].shape == (2, 16, 14)
    contract = dense(SEGMENTATION)
    assert contract.tasks["t"].shape == (2, 16, 16) and contract.embedding_widths == {"embedding_image": 32}
    assert parse_contract(image_contract(ACTIVITY), "test").tasks["activity"].shape == (3,)


@pytest.mark.parametrize(
    "task, changes, said",
    [
        ({**SEGMENTATION, "pooling": "mean"}, {}, "pooling 'mean'"),
        ({**SEGMENTATION, "grid": [0, 0]}, {}, "grid"),
        ({**SEGMENTATION, "grid": [32, 16]}, {}, r"expected images of \[32, 16\]"),
        ({**SEGMENTATION, "planes": 2}, {}, "planes 2"),
        ({**SEGMENTATION, "labels": ["noise", "noise"]}, {}, "all different"),
        ({**ESTIMATE, "labels": ["a", "b"]}, PILOT_IMAGES, "planes and no labels"),
        ({**ESTIMATE, "planes": 4}, PILOT_IMAGES, "as many planes as channels"),
        ({**ESTIMATE, "grid": [16, 16]}, {}, "expected pilot_grid"),
        ({**ACTIVITY["activity"], "pooling": "tokens"}, {}, "of channel_estimate and segmentation alone"),
        ({**ACTIVITY["activity"], "grid": [16, 16]}, {}, "of channel_estimate and segmentation alone"),
    ],
)
def test_dense_tasks_that_do_not_fit_are_named(task, changes, said):
    with pytest.raises(WfmError, match=said):
        dense(task, **changes)
