# SPDX-License-Identifier: GPL-3.0-or-later
"""Starter models in the user's cache: made when they are missing or from other code, else left alone."""

import hashlib
import tempfile
from pathlib import Path

from wfm_core import compute
from wfm_core.bundle import export_tasks, save_model_folder
from wfm_core.bundle.export import SUFFIX
from wfm_core.bundle.find import cache_folder
from wfm_core.bundle.from_foundation import export_foundation
from wfm_core.errors import WfmError
from wfm_core.foundation import DESCRIPTION, find_foundation
from wfm_core.starter.recipes import RECIPES

FOUNDATION = "wfm-small"
_HERE = Path(__file__).parent


def ensure(name: str) -> None:
    """See to it that `load_bundle(name)` finds the starter `name`; says on standard output what is made.

    Names: those of RECIPES, and FOUNDATION, the shipped encoder as a bundle of embeddings. Any other is the user's own
    bundle: nothing is done. Raises `WfmError` where the cache cannot be written or the foundation is not there.
    """
    if name != FOUNDATION and name not in RECIPES:
        return
    path = cache_folder() / f"{name}{SUFFIX}"
    stamp = path.with_name(f"{path.name}.made-from")
    key = _key(name)
    if path.is_file() and stamp.is_file() and stamp.read_text() == key:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WfmError(
            f"the folder {path.parent} for models made at first start cannot be made ({error.strerror}): "
            "set XDG_CACHE_HOME to a folder that can be written"
        ) from error
    if name == FOUNDATION:
        print(f"first start: exporting the encoder {name} to {path}", flush=True)
        compute.run(export_foundation, name, path)
    else:
        _train(name, path)
    stamp.write_text(key)


def _train(name: str, path: Path) -> None:
    from wfm_core.starter.training import train  # slow to import, and only needed once

    recipe = RECIPES[name]
    print(
        f"first start: no trained model is shipped for this, so a small one learns {recipe.says} from generated data",
        flush=True,
    )
    contract, weights = compute.run(train, name, recipe, {"data": "synthetic", "starter": name})
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / name
        save_model_folder(run, contract, weights)
        compute.run(export_tasks, dict.fromkeys(recipe.tasks, run), path, name)
    accuracy = ", ".join(f"{task} {share:.0%}" for task, share in contract["origin"]["held_out_accuracy"].items())
    print(f"right on generated windows held out: {accuracy}; kept in {path}", flush=True)


def _key(name: str) -> str:
    """What the model is made from: the recipes' code, or the foundation."""
    if name == FOUNDATION:
        return hashlib.sha256((find_foundation(name) / DESCRIPTION).read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for part in ("recipes.py", "training.py"):
        digest.update((_HERE / part).read_bytes())
    return digest.hexdigest()
