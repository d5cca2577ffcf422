# SPDX-License-Identifier: GPL-3.0-or-later
"""Which starter models there are, how each is made, and what it is made from."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wfm_core.base import compute
from wfm_core.bundle.export import SUFFIX
from wfm_core.bundle.foundation import DESCRIPTION, find_foundation
from wfm_core.bundle.from_foundation import export_foundation
from wfm_core.bundle.screening.archive import BUNDLE_KIND
from wfm_core.starter import training
from wfm_core.starter.recipes import RECIPES

FOUNDATION = "wfm-base"
"""The shipped one, whose encoder is a starter too."""
_CORE = Path(__file__).resolve().parents[1]
_FITTING = ("train/fitting.py", "train/optimizers.py")


@dataclass(frozen=True)
class Starter:
    """`make(name, folder)` writes the files name + each of `suffixes` into `folder`, and returns how well it went.

    `says`: what the user is told before. `code`: the files of `wfm_core` whose change makes another model of it;
    `foundation`: the one that it begins with, "" for none.
    """

    says: str
    make: Callable[[str, Path], str]
    code: tuple[str, ...] = ()
    foundation: str = ""
    suffixes: tuple[str, ...] = (SUFFIX,)

    def made_from(self) -> str:
        """Another text for other code or another foundation. Raises `WfmError` without the foundation."""
        digest = hashlib.sha256(BUNDLE_KIND)
        for part in self.code:
            digest.update((_CORE / part).read_bytes())
        if self.foundation:  # the description has the weights' sha256
            digest.update((find_foundation(self.foundation) / DESCRIPTION).read_bytes())
        return digest.hexdigest()


def _encoder(name: str, folder: Path) -> str:
    """The shipped encoder as a bundle of embeddings, for classes enrolled in a running flowgraph."""
    compute.run(export_foundation, FOUNDATION, folder / f"{name}{SUFFIX}")
    return "exported"


def _trained(says: str) -> Starter:
    return Starter(
        f"no trained model is shipped for this, so a small one learns {says} from generated data",
        training.make,
        ("starter/recipes.py", "starter/training.py", *_FITTING, "synth/scenes/turns.py"),
    )


STARTERS = {
    FOUNDATION: Starter(f"exporting the encoder {FOUNDATION}", _encoder, foundation=FOUNDATION),
    **{name: _trained(recipe.says) for name, recipe in RECIPES.items()},
}
