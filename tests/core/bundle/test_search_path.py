# SPDX-License-Identifier: GPL-3.0-or-later
"""Where bundle names are looked up: one list, which the docs, wfm-doctor and the error follow."""

import re
from pathlib import Path

import pytest
from bundle_files import make_folder

from wfm_core.base import places
from wfm_core.base.errors import WfmError
from wfm_core.base.places import search_path
from wfm_core.bundle import find_bundle
from wfm_core.bundle.foundation import find_cohort
from wfm_core.cli import doctor


def test_the_docs_the_doctor_and_an_error_list_the_search_path(tmp_path, monkeypatch):
    monkeypatch.setenv("WFM_BUNDLES", f"{tmp_path}/a:{tmp_path}/b")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "bundle", lambda path: path)  # loading each of them takes long
    path = search_path()
    page = (Path(__file__).parents[3] / "docs" / "bundles.md").read_text()
    told = re.findall(r"^\| `([^`]+)` \| (?:the folder )?`NAME(\.wfm\.pt)?` \|", page, re.MULTILINE)
    assert told == list(dict.fromkeys((place.name, "" if place.models else ".wfm.pt") for place in path))
    listed = ", ".join(dict.fromkeys(str(place.folder) for place in path))
    assert doctor.bundles()[0].text == listed
    with pytest.raises(WfmError, match=re.escape(f"no bundle 'absent' in {listed}; ")):
        find_bundle("absent")


def test_a_name_is_found_in_the_first_place_that_has_it(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "installed_folders", lambda name: [tmp_path / "share" / name])
    monkeypatch.setenv("WFM_BUNDLES", f"{tmp_path}/a:{tmp_path}/b")
    monkeypatch.chdir(tmp_path)
    found = []
    for place in reversed([place for place in search_path() if tmp_path in place.folder.parents]):
        path = place.folder / ("own" if place.models else "own.wfm.pt")
        path.parent.mkdir(parents=True, exist_ok=True)
        if place.models:
            make_folder(path)
        else:
            path.touch()
        found.append(find_bundle("own") == path)
    assert found == [True] * 5


def test_a_cohort_is_a_file_or_comes_with_a_foundation(tmp_path):
    models = Path(__file__).parents[3] / "models"
    assert find_cohort("wfm-base", "embedding_iq").samefile(models / "wfm-base" / "cohort_iq.safetensors")
    own = tmp_path / "own.npz"
    own.write_bytes(b"")
    assert find_cohort(own, "embedding_image") == own
    for name, embedding in (("wfm-base", "embedding_image"), ("wfm-small", "embedding_iq"), ("absent", "embedding_iq")):
        with pytest.raises(WfmError, match=f"no cohort '{name}'"):
            find_cohort(name, embedding)
